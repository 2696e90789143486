//! The conformance suite once more, with the requests sent through kube's client.
//!
//! The cases are those of `tests/conformance`; what arrives at the server, what fails and what is shown is to be the
//! same. The comparison with kubectl is the first suite's.
//!
//! ```sh
//! cargo test -p kubex-client-tests --test conformance_of_kube
//! ```

#[cfg(unix)]
mod client;
#[cfg(unix)]
#[path = "../../../tests/conformance/suite/mod.rs"]
mod suite;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    suite::run(false)
}

#[cfg(not(unix))]
fn main() {
    println!("conformance did not run: its cases have symbolic links and shell scripts in them");
}
