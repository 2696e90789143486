//! The command `kubex` with the providers of this suite, which their registrations add.

use std::process::ExitCode;

use kubex_aks as _;
use kubex_eks as _;
use kubex_gke as _;

fn main() -> ExitCode {
    kubex_cli::main()
}
