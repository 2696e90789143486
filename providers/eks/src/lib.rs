//! Tokens for Amazon EKS, like those of `aws eks get-token`, without the AWS CLI.
//!
//! A token is a signed request to AWS STS. The cluster sends this request to AWS STS to learn who signed it. Signing
//! needs AWS credentials, but no connection. The AWS SDK for Rust finds the credentials:
//!
//! - variables
//! - profiles (keys, roles, IAM Identity Center)
//! - web identity (IRSA)
//! - the credentials endpoint of a container or of EKS Pod Identity
//! - the instance metadata of EC2
//!
//! Resolving a chain opens no connection. Fetching a token opens one only if the AWS credentials need it.
//!
//! | option | meaning |
//! |---|---|
//! | `cluster` | the name of the EKS cluster; on Outposts, its id |
//! | `region` | the AWS region; the default is `AWS_REGION`, `AWS_DEFAULT_REGION` or the region of the profile |
//! | `profile` | the AWS profile; if it is set, credentials in variables are ignored, as in the CLI |
//! | `role` | the ARN of a role that is assumed before the token is signed |
//! | `session-name`, `external-id` | the session name (by default `EKSGetTokenAuth`, as in the CLI) and the external id for that role |
//! | `server`, `certificate-authority`, `namespace`, `as`, ... | the cluster: see [`kubex_core::options::ClusterFields`] |
//!
//! A profile with `credential_process` is an error, because this provider runs no programs. For such a profile, use
//! the AWS CLI with the provider `exec`.
//!
//! If a kubeconfig calls `aws eks get-token`, this provider can replace the CLI: add `aws` to
//! [`PluginRules::native`](kubex_core::host::PluginRules::native).
//!
//! ```
//! use kubex_core::host::SimulatedHost;
//! use kubex_core::{Chain, ExposeSecret, Options, Registry, Source};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> kubex_core::Result<()> {
//! let world = SimulatedHost::new();
//! let host = world
//!     .host()
//!     .with_variable("AWS_ACCESS_KEY_ID", Some("AKIAIOSFODNN7EXAMPLE"))
//!     .with_variable("AWS_SECRET_ACCESS_KEY", Some("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"));
//!
//! let registry = Registry::from_registrations([&kubex_eks::REGISTRATION])?;
//! let options = Options::new()
//!     .set("server", "https://0123456789ABCDEF.gr7.eu-central-1.eks.amazonaws.com")
//!     .set("cluster", "production")
//!     .set("region", "eu-central-1");
//! let source = Source::new("eks").provider("eks").options(options);
//! let chain = Chain::builder(registry).host(host).source(source).build().unwrap();
//!
//! let credential = chain.resolve().await?.credentials().current().await?;
//! assert!(credential.token().unwrap().expose_secret().starts_with("k8s-aws-v1."));
//! # Ok(())
//! # }
//! ```

mod connector;
mod credentials;
mod options;
mod process;
mod profile;
mod replacement;
mod settings;
mod source;
mod token;

use kubex_core::Registration;

pub use options::EksOptions;
pub use source::EksSource;

kubex_core::register! {
    /// The registration of the provider `eks`, for a [`Registry`](kubex_core::Registry).
    pub static REGISTRATION =
        Registration::source::<EksSource>("eks", "tokens for Amazon EKS, without the AWS CLI")
            .shown_keys(&["cluster", "region", "profile", "role", "session-name"])
            .replaces("aws", replacement::replace);
}
