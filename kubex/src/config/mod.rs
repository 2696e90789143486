//! Builds the chain from configuration files and variables.
//!
//! The configuration has these layers. Each one overrides those before it:
//!
//! 1. the built-in defaults: `chain: [kubeconfig, in-cluster]`; then the program's own defaults:
//!    [`Configuration::with_defaults`]
//! 2. the machine's file: `/etc/kubex/config.yaml` or `config.toml`
//! 3. the user's file: `$XDG_CONFIG_HOME/kubex/config.yaml`, else `~/.config/kubex/config.yaml`, or `config.toml`
//!    there
//! 4. the file in `KUBEX_CONFIG`, or the one that the program passes to [`Configuration::load_with_file`]; it must
//!    exist
//! 5. variables: `KUBEX_CHAIN=in-cluster,kubeconfig`, `KUBEX_SOURCES__KUBECONFIG__CONTEXT=prod`
//! 6. the program's options: [`Configuration::with`]
//!
//! Maps are merged key by key. Any other value, also a list, is replaced as a whole. `KUBEX_PROFILE` selects a
//! profile, which is a section of the files that overrides the rest of the files. The working directory is never
//! searched.
//!
//! ```
//! use kubex_core::host::SimulatedHost;
//! use kubex::Options;
//! use kubex::config::Configuration;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> kubex::Result<()> {
//! let world = SimulatedHost::new();
//! world.set_variable("HOME", "/home/jane");
//! world.set_variable("KUBEX_SOURCES__BREAK_GLASS__ENABLED", "true");
//! world.write("/run/secrets/bg", "abc");
//! world.write("/home/jane/.config/kubex/config.yaml", "
//! chain: [break-glass, kubeconfig]
//! sources:
//!   break-glass:
//!     provider: token-file
//!     server: https://10.0.0.1:6443
//!     token-file: /run/secrets/bg
//!     enabled: false
//! ");
//!
//! let configuration = Configuration::load(&world.host()).await?;
//! let configuration = configuration.with(Options::new().set("overrides.namespace", "team-a"))?;
//! let configuration = configuration.chain(kubex::registry()?)?.build()?.resolve().await?;
//! assert_eq!(configuration.report().chosen().unwrap().source, "break-glass");
//! assert_eq!(configuration.namespace(), "team-a");
//! # Ok(())
//! # }
//! ```
//!
//! A configuration file must not contain secrets. Use `token-env` to refer to a variable that contains the token, or
//! `token-file` to refer to a file. The page `docs/configuration.md` of the repository lists every key and contains
//! recipes.

mod cache;
mod configuration;
mod document;
mod entry;
mod file_schema;
mod layer;
mod native;
mod other_file;
mod paths;
mod places;
mod prepare;
mod problems;
mod schema;
mod settings;
mod typed;
mod unlinked;
mod variables;

pub use configuration::{Configuration, SourceSummary};
pub use entry::Entry;
pub use file_schema::schema;
