//! The command `kubex` with one provider more: linking its crate is all it takes.

use kubex_third_party as _;

fn main() -> std::process::ExitCode {
    kubex_cli::main()
}
