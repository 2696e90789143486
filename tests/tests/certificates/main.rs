//! The matrix of certificates: what connects with kubectl connects with Kubex, and nothing else does.
//!
//! Each cell is a kubeconfig and a server. Kubex and kubectl try it, and both verdicts are compared with the cell's. The
//! differences have few reasons, which the page about kubeconfigs lists.

mod authorities;
mod cell;
mod clients;
mod kubectl;
mod material;
mod messages;
mod peer;
mod servers;
mod verdicts;
