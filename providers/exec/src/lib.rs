//! An exec credential plugin: a program that prints a credential, as `aws eks get-token` does.
//!
//! The plugin is told what it is asked for in the variable `KUBERNETES_EXEC_INFO` and answers with an
//! `ExecCredential` on its standard output (KEP-541, `client.authentication.k8s.io/v1` and `/v1beta1`). It runs
//! when a credential is asked for and never earlier: resolving looks at nothing and starts nothing. It runs
//! without a shell, in a process group of its own, and is gone when the fetch is over. Whether it may run at
//! all, what it inherits and whether it is given the terminal is the host's to say
//! ([`PluginRules`](kubex_core::host::PluginRules), [`Terminal`](kubex_core::host::Terminal)), never a
//! kubeconfig's.
//!
//! | option | meaning |
//! |---|---|
//! | `command` | the program: a name that is looked up in `PATH`, or a path |
//! | `args` | its arguments, each passed as it is |
//! | `env` | variables to add to this program's own: a list of `name` and `value` |
//! | `api-version` | `client.authentication.k8s.io/v1` (the default) or `/v1beta1` |
//! | `provide-cluster-info` | whether the plugin is told of the cluster; off unless set |
//! | `interactive-mode` | `Never`, `IfAvailable` (the default) or `Always`: whether the plugin asks its user at the terminal |
//! | `install-hint` | what to tell a user who has not installed the plugin |
//! | `deadline` | how long a run may take: `30s`, `300ms`, or a number of seconds; 30 s unless the host's rules say otherwise |
//! | `interactive-deadline` | the same for a run at the terminal; 5 min unless the host's rules say otherwise |
//! | the cluster's | `server`, `certificate-authority`, `namespace`, `as`, ... ([`kubex_core::options::ClusterFields`]) |
//!
//! The spellings of a kubeconfig's `exec` block (`apiVersion`, `installHint`, ...) are taken as well.
//!
//! A bare name is looked up in the absolute directories of `PATH` only, a relative path from the directory of
//! the file it is written in. What the plugin says on standard error is part of the error when it fails,
//! without the secrets in it; what it prints on standard output is never shown.
//!
//! Two configurations with the same plugin for the same cluster share one credential and one run at a time, as
//! long as one of them is there. A plugin that asks Kubex for the credential that it is to give itself is
//! refused.
//!
//! Do not take it for a token that lies in a file: `token-file` starts no process. The fetch needs a tokio
//! runtime with its I/O and time drivers on.
//!
//! ```
//! use kubex_core::host::{Exit, ProcessOutput, SimulatedHost};
//! use kubex_core::options::ValueKind;
//! use kubex_core::{Chain, ExposeSecret, Options, Registry, Source};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> kubex_core::Result<()> {
//! let world = SimulatedHost::new();
//! world.set_variable("PATH", "/usr/bin");
//! world.install_program("/usr/bin/aws");
//! world.run_processes(|process| {
//!     assert_eq!(process.arguments, ["eks", "get-token"]);
//!     let answer = r#"{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
//!                      "status": {"token": "abc", "expirationTimestamp": "2030-01-01T00:14:00Z"}}"#;
//!     Ok(ProcessOutput {
//!         exit: Exit::Status(0),
//!         output: answer.as_bytes().to_vec().into(),
//!         error: Vec::new().into(),
//!     })
//! });
//!
//! let registry = Registry::from_registrations([&kubex_exec::REGISTRATION])?;
//! let options = Options::new()
//!     .set("server", "https://10.0.0.1")
//!     .set("command", "aws")
//!     .set("args", vec!["eks", "get-token"]);
//! let chain = Chain::builder(registry).host(world.host()).source(Source::new("prod-eks").provider("exec").options(options)).build().unwrap();
//!
//! let configuration = chain.resolve().await?;
//! assert_eq!(world.runs(), 0);
//! let credential = configuration.credentials().current().await?;
//! assert_eq!(credential.token().unwrap().expose_secret(), "abc");
//! # Ok(())
//! # }
//! ```

mod exec_credential;
mod exec_info;
mod failure;
mod hint;
mod interaction;
mod lookup;
mod native;
mod options;
mod protocol;
mod recursion;
mod source;
mod stderr;

use kubex_core::Registration;

pub use options::{EnvironmentVariable, ExecOptions, InteractiveMode};
pub use protocol::ApiVersion;
pub use source::ExecSource;

kubex_core::register! {
    /// The provider `exec`.
    pub static REGISTRATION =
        Registration::source::<ExecSource>("exec", "an exec credential plugin, run when a credential is wanted");
}
