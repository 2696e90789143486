//! Builds the chain from configuration files and variables.
//!
//! The layers, each of which wins over those before it:
//!
//! 1. the built-in defaults: `chain: [kubeconfig, in-cluster]`, then the program's own: [`Configuration::with_defaults`]
//! 2. `/etc/kubex/config.yaml` or `config.toml`
//! 3. the user's: `$XDG_CONFIG_HOME/kubex/config.yaml`, else `~/.config/kubex/config.yaml`, or `config.toml` there
//! 4. the file that `KUBEX_CONFIG` or the program names, which must be there
//! 5. variables: `KUBEX_CHAIN=in-cluster,kubeconfig`, `KUBEX_SOURCES__KUBECONFIG__CONTEXT=prod`
//! 6. the program: [`Configuration::with`]
//!
//! Maps are merged key by key; any other value, a list too, is replaced by the later layer's. `KUBEX_PROFILE` selects a
//! profile of the files, which wins over the rest of them. The working directory is never searched.
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
//! A configuration file contains no secret: `token-env` names the variable that holds it, `token-file` the file. The page
//! `docs/configuration.md` of the repository has every key, and recipes.

mod cache;
mod configuration;
mod document;
mod entry;
mod file_schema;
mod layer;
mod native;
mod paths;
mod places;
mod prepare;
mod problems;
mod schema;
mod settings;
mod typed;
mod variables;

pub use configuration::{Configuration, SourceSummary};
pub use entry::Entry;
pub use file_schema::schema;
