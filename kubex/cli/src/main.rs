//! The command `kubex` with the built-in providers.

use std::process::ExitCode;

fn main() -> ExitCode {
    kubex_cli::main()
}
