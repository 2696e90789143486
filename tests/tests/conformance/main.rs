//! The conformance suite: every folder below `tests/conformance` is a case, and every case a test.
//!
//! Each case is asked twice, in a world of its own: by Kubex, and by kubectl where there is one that is new enough.
//! See `docs/conformance.md` for the case files and how to add one.
//!
//! ```sh
//! cargo test --test conformance                       # all of it
//! cargo test --test conformance kubex::merging        # a group, in one mode
//! KUBECTL=/opt/kubectl cargo test --test conformance  # with this kubectl
//! ```

#[cfg(unix)]
mod client;
#[cfg(unix)]
mod suite;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    suite::run(true)
}

#[cfg(not(unix))]
fn main() {
    println!("conformance did not run: its cases have symbolic links and shell scripts in them");
}
