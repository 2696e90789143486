//! A provider of your own, registered and used by name.
//!
//! The provider is the module `vault`; in real life it is a crate, linked by `use that_crate as _;`.

mod vault {
    use async_trait::async_trait;
    use kubex::{
        BuildContext, Credential, CredentialSource, FetchRequest, FromOptions, Registration, Result,
    };

    #[derive(serde::Deserialize, schemars::JsonSchema)]
    #[serde(rename_all = "kebab-case", deny_unknown_fields)]
    pub(crate) struct VaultOptions {
        /// The role to ask a token for.
        role: String,
    }

    #[derive(Debug)]
    pub(crate) struct Vault(String);

    impl FromOptions for Vault {
        type Options = VaultOptions;
        fn from_options(options: VaultOptions, _: &BuildContext<'_>) -> Result<Self> {
            Ok(Self(options.role))
        }
    }

    #[async_trait]
    impl CredentialSource for Vault {
        async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
            let expires_at = request.host.now().wall + std::time::Duration::from_secs(900);
            let token = format!("vault-token-of-{}", self.0); // here a real one asks the vault
            Ok(Credential::bearer(token.into())?.with_expiry(Some(expires_at)))
        }
        fn describe(&self) -> String {
            format!("vault role {}", self.0)
        }
    }

    kubex::register! {
        static REGISTRATION = Registration::source::<Vault>("vault", "tokens from the company's vault");
    }
}

use kubex::prelude::*;
use kubex::{Options, Result, Source};

#[tokio::main]
async fn main() -> Result<()> {
    for registration in kubex::registry()?.iter() {
        println!("{:12} {}", registration.name(), registration.summary());
    }

    let options = Options::new()
        .set("server", "https://10.0.0.1:6443")
        .set("role", "deployer");
    let chain = Chain::builder(kubex::registry()?)
        .source(Source::new("production").provider("vault").options(options))
        .build()?;
    let configuration = chain.resolve().await?;
    println!("\n{}", configuration.report());

    let credential = configuration.credentials().current().await?;
    println!("{} by {}", credential.description(), credential.provenance());

    let typing_error = Options::new()
        .set("server", "https://10.0.0.1:6443")
        .set("rôle", "deployer");
    let source = Source::new("production").provider("vault").options(typing_error);
    if let Err(error) = Chain::builder(kubex::registry()?).source(source).build() {
        println!("\nA typing error is found before anything runs:\n{error}");
    }
    Ok(())
}
