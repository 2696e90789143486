//! Exec credential plugins: programs that print a credential, such as `aws eks get-token`.
//!
//! A plugin reads its input from the variable `KUBERNETES_EXEC_INFO` and prints an `ExecCredential` on stdout
//! (KEP-541, `client.authentication.k8s.io/v1` and `/v1beta1`). It runs only when a credential is needed;
//! resolving a chain starts no process. It runs without a shell, and in its own process group unless it uses the
//! terminal.
//!
//! The program decides whether a plugin may run, which variables it inherits, and whether it may use the terminal. A
//! kubeconfig cannot change these rules; see [`PluginRules`](kubex_core::host::PluginRules) and
//! [`Terminal`](kubex_core::host::Terminal).
//!
//! | option | meaning |
//! |---|---|
//! | `command` | the program: a name, which is looked up in `PATH`, or a path |
//! | `args` | the arguments, each passed unchanged |
//! | `env` | variables that are added to the environment: a list of `name` and `value` |
//! | `api-version` | `client.authentication.k8s.io/v1` (the default) or `/v1beta1` |
//! | `provide-cluster-info` | whether the plugin receives the cluster; off by default |
//! | `interactive-mode` | whether the plugin may ask questions at the terminal: `Never`, `IfAvailable` (the default) or `Always` |
//! | `install-hint` | help for a user who has not installed the plugin |
//! | `deadline` | the time limit of a run: `30s`, `300ms`, or a number of seconds. The default is 30 s, or the limit in the plugin rules |
//! | `interactive-deadline` | the time limit of a run that uses the terminal. The default is 5 min, or the limit in the plugin rules |
//! | `server`, `certificate-authority`, `namespace`, `as`, ... | the cluster: see [`kubex_core::options::ClusterFields`] |
//!
//! The names in a kubeconfig's `exec` block (`apiVersion`, `installHint`, ...) are accepted too.
//!
//! A name is looked up only in the absolute directories of `PATH`. A relative path starts at the directory of the file
//! that contains it. If the plugin fails, the error contains its stderr, with secrets masked. Its stdout is never
//! shown.
//!
//! If several configurations use the same plugin for the same cluster, they share one credential, and the plugin runs at most
//! once at a time. A plugin that would start itself again, for example because it runs kubectl with the same kubeconfig, is
//! refused.
//!
//! Other providers run a program in the same way, through [`ProgramRunner`](kubex_core::host::ProgramRunner).
//!
//! For a token in a file, use the provider `token-file`, which starts no process. Fetching a credential needs a tokio
//! runtime with its I/O and time drivers enabled.
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

mod ambient;
#[cfg(target_os = "linux")]
mod ancestry;
mod exec_credential;
mod exec_info;
mod exec_request;
mod failure;
mod hint;
mod interaction;
mod lookup;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(not(feature = "metrics"))]
#[path = "metrics/off.rs"]
mod metrics;
mod native;
mod options;
mod plugin_identity;
mod program_runner;
mod protocol;
mod recursion;
mod run;
mod shared_call;
mod source;
mod stderr;

use kubex_core::Registration;

pub use exec_request::ExecRequest;
pub use native::adopt_orphans;
#[cfg(unix)]
pub use native::end_running_plugins;
#[cfg(target_os = "linux")]
pub use native::watch_plugin;
pub use options::{EnvironmentVariable, ExecOptions, InteractiveMode};
pub use plugin_identity::PluginIdentity;
pub use protocol::ApiVersion;
pub use shared_call::SharedCall;
pub use source::ExecSource;

kubex_core::register! {
    /// The registration of the provider `exec`, for a [`Registry`](kubex_core::Registry).
    pub static REGISTRATION =
        Registration::source::<ExecSource>("exec", "an exec credential plugin, run when a credential is needed")
            .kubeconfig_keys(&[
                "command",
                "args",
                "env",
                "api-version",
                "install-hint",
                "provide-cluster-info",
                "interactive-mode",
            ])
            .shown_keys(&["command", "api-version", "interactive-mode", "provide-cluster-info"])
            .runs_programs(&program_runner::LentRunner);
}
