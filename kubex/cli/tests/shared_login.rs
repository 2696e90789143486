//! Runs the example in which a program and kubectl share one login.

#![cfg(unix)]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "an example prints, and touches files as any program does"
)]

#[path = "../../../examples/11_shared_login.rs"]
#[allow(dead_code, reason = "its main function is for its own program")]
mod example;

#[test]
fn a_program_and_kubectl_share_one_login() {
    example::share_a_login(env!("CARGO_BIN_EXE_kubex").as_ref()).unwrap();
}
