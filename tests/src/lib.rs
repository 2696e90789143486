//! The test world of Kubex: what its suites and its runnable examples lean on, never published.
//!
//! [`api_server`] is an HTTPS server which authenticates as a kube-apiserver does, runs inside the test's own
//! process and remembers every request. [`pod_mount`] is a service account on a real disk. Nothing in here knows Kubex: it judges from outside, as a cluster would.

pub mod api_server;
pub mod pod_mount;
