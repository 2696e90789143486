#![cfg_attr(docsrs, feature(doc_cfg))]
//! Many clusters at once: a fleet finds clusters, keeps the configuration of each one current, and reports which
//! clusters are added and removed.
//!
//! For one cluster, or a few that never change, use a chain or [`Kubeconfig`](kubex_kubeconfig::Kubeconfig).
//!
//! ```
//! use kubex_core::host::SimulatedHost;
//! use kubex_core::{ExposeSecret, Registry};
//! use kubex_fleet::{Change, Fleet, Input};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> kubex_core::Result<()> {
//! let world = SimulatedHost::new();
//! world.write("/etc/clusters/lab", "
//! clusters: [{name: a, cluster: {server: 'https://10.0.0.1:6443'}}, {name: b, cluster: {}}]
//! users: [{name: jane, user: {token: abc}}]
//! contexts: [{name: a, context: {cluster: a, user: jane}}, {name: b, context: {cluster: b, user: jane}}]
//! ");
//!
//! let registry = Registry::from_registrations([&kubex_static::REGISTRATION])?;
//! let fleet = Fleet::builder(registry)
//!     .host(world.host())
//!     .input(Input::kubeconfigs("clusters", "/etc/clusters"))
//!     .start()
//!     .await?;
//!
//! let mut changes = fleet.changes();
//! let Change::Added(member) = changes.next().await else { panic!() };
//! assert_eq!(member.name(), "clusters/lab/a");
//! let credential = member.configuration().unwrap().credentials().current().await?;
//! assert_eq!(credential.token().unwrap().expose_secret(), "abc");
//!
//! // The cluster b has no server, so its member is broken.
//! let Change::Added(broken) = changes.next().await else { panic!() };
//! assert!(broken.configuration().is_err());
//! println!("{}", fleet.report());
//! # Ok(())
//! # }
//! ```
//!
//! | subject | behavior |
//! |---|---|
//! | members | Each cluster is a member of the fleet. [Inputs](Input) define the members: kubeconfigs, directories of kubeconfigs, or Secrets and `ClusterProfiles`, also those of a hub that the fleet watches (feature `kube`) |
//! | changes of a member | The configuration of a member [follows](kubex_core::chain::follow) its definition. A change that it cannot apply, such as another server, is a [`Change::Changed`] with a new configuration |
//! | reading inputs | One timer reads each input again every minute. An input is also read at once after a cluster has rejected a credential |
//! | plugins | At most 8 run at the same time, in the order of the requests. Those that take longer than 5 s while others wait get at most half of these places |
//! | broken members | A member that cannot be resolved contains an error. It does not delay other members, and is tried again every minute |
//! | untrusted objects | Secrets and `ClusterProfiles` cannot refer to files, and their size and number are limited. They can run a plugin only if an allowlist in the plugin rules permits it |
//!
//! # Events
//!
//! Events have the target `kubex::fleet`:
//!
//! | field | meaning |
//! |---|---|
//! | `member` | the name of the member |
//! | `input` | the name of the input |
//! | `outcome` | of a member: `added`, `changed`, `removed`; of an input: `failed`, `recovered` |
//! | `error` | why the member is broken, or why the input cannot be read |

mod access_provider;
mod argo;
mod builder;
mod changes;
mod claim;
mod cluster_profile;
mod definition;
mod entries;
mod fields;
mod fleet;
#[cfg(feature = "kube")]
mod hub;
mod in_turn;
mod input;
mod limits;
mod loader;
mod manifest;
mod member;
mod member_provider;
mod objects;
mod plugin;
mod problems;
mod report;
mod secret;
mod settle;
mod snapshot;
mod turns;
mod watched_input;

pub use builder::FleetBuilder;
pub use changes::{Change, Changes};
pub use fleet::Fleet;
#[cfg(feature = "kube")]
pub use hub::Hub;
pub use input::Input;
pub use member::Member;
pub use objects::{ObjectKind, Objects};
pub use report::{FleetReport, ReportedInput, ReportedMember};
