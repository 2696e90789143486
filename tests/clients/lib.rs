//! The suites are in `tests/`, and the example that is run beside them in the folder `examples` of the workspace.
