//! The suites are below `tests`.
