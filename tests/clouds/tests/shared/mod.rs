//! What the suites of all clouds need: a machine without a cloud, and kubeconfigs whose plugin a provider may replace.

#![allow(dead_code, reason = "no suite needs all of it")]

mod call;
mod machine;

pub(crate) use call::{command, install, kubeconfig, refused_as_bytes, resolve_kubeconfig, stderr};
pub(crate) use machine::{chain, machine, variables, write};
