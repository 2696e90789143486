//! Tokens for Amazon EKS, as `aws eks get-token` prints them, without the AWS CLI.
//!
//! A token is a presigned request to AWS STS, which the cluster sends to learn who signed it. Signing it needs AWS
//! credentials and no connection. The credentials are found by the AWS SDK for Rust: variables, profiles (keys, roles,
//! IAM Identity Center), web identity (IRSA), the credentials endpoint of a container or of EKS Pod Identity, and the
//! instance metadata of EC2. A connection is opened only if these credentials need one, and never while a chain resolves.
//!
//! | option | meaning |
//! |---|---|
//! | `cluster` | the name of the EKS cluster; on Outposts its id |
//! | `region` | the AWS region; otherwise `AWS_REGION`, `AWS_DEFAULT_REGION` or the profile's |
//! | `profile` | the AWS profile; with it, credentials in variables are ignored, as by the CLI |
//! | `role` | the ARN of a role that is assumed first |
//! | `session-name`, `external-id` | of that role's session; the name is `EKSGetTokenAuth` by default, as in the CLI |
//! | the cluster's | `server`, `certificate-authority`, `namespace`, `as`, ... ([`kubex_core::options::ClusterFields`]) |
//!
//! A program that a profile names (`credential_process`) is not run: the error says so. For such a profile, use the AWS CLI
//! with the provider `exec`.
//!
//! It also serves `aws eks get-token` of a kubeconfig in place of the CLI, if the rules for plugins list `aws` as native
//! ([`kubex_core::host::PluginRules::native`]).
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
    /// The provider `eks`.
    pub static REGISTRATION =
        Registration::source::<EksSource>("eks", "tokens for Amazon EKS, without the AWS CLI")
            .shown_keys(&["cluster", "region", "profile", "role", "session-name"])
            .replaces("aws", replacement::replace);
}
