//! The test world of Kubex: what its suites and its runnable examples lean on, never published.
//!
//! [`api_server`] is an HTTPS server which authenticates as a kube-apiserver does, runs inside the test's own process and
//! remembers every request. [`proxy`] is what may stand on the way to it, [`issuer`] an OpenID Connect issuer of the same make,
//! and [`pod_mount`] a service account on a real disk. [`certificates`] makes certificates of every kind. [`log`] collects what
//! a test logs, and [`machine`] says how busy the machine is. Nothing in here knows Kubex: it judges from outside, as a cluster
//! would.

pub mod api_server;
pub mod certificates;
pub mod issuer;
pub mod kubectl;
pub mod log;
pub mod machine;
pub mod pod_mount;
pub mod proxy;
