//! An issuer that exchanges tokens, and a source whose tokens it knows.

use std::time::Duration;

use kubex::{Chain, ClientConfiguration, Host, Options, Result, Source};
use kubex_core::host::SimulatedHost;
// Its registration is submitted when it is linked, as that of any plugin crate.
use kubex_tests::issuer::{Issuer, IssuerRequest, TOKEN_PATH, id_token};
use kubex_token_exchange as _;

pub(crate) const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
pub(crate) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

pub(crate) struct Scene {
    pub(crate) issuer: Issuer,
    pub(crate) world: SimulatedHost,
    /// The tokens that are issued, each valid for an hour.
    pub(crate) tokens: [String; 2],
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let issuer = Issuer::start().await.unwrap();
        let world = SimulatedHost::new();
        world.set_variable("HOME", "/home/jane");
        world.set_variable("CLIENT_SECRET", "s3cret");
        world.write("/subject", "first");
        world.write("/ca.pem", &issuer.ca_pem());
        let end = kubex::time::unix_seconds(world.host().now().wall) + 3600;
        let tokens = ["jane", "jane-again"].map(|subject| id_token(subject, end));
        issuer.issue(tokens.clone());
        Self {
            issuer,
            world,
            tokens,
        }
    }

    /// Exchanges these tokens, for ones that are said to last this long.
    pub(crate) fn accept<const N: usize>(&self, subjects: [&str; N], lifetime: Option<Duration>) {
        self.issuer.exchange_tokens(subjects.map(str::to_owned), lifetime);
    }

    pub(crate) fn options(&self) -> Options {
        Options::new()
            .set("through", "job")
            .set("endpoint", format!("{}{TOKEN_PATH}", self.issuer.origin()))
            .set("endpoint-certificate-authority-data", self.issuer.ca_pem())
    }

    /// Resolves the exchange of the token in the file `/subject`.
    pub(crate) async fn resolve(&self, options: Options) -> Result<ClientConfiguration> {
        let job = cluster().set("token-file", "/subject");
        chain(self.world.host(), "token-file", job, options)?
            .resolve()
            .await
    }

    /// The same from a configuration in a file, with these further keys.
    pub(crate) async fn configured(&self, keys: &str) -> Result<ClientConfiguration> {
        let host = self.world.host();
        let endpoint = format!("{}{TOKEN_PATH}", self.issuer.origin());
        let yaml = format!(
            "chain: [production]\nsources:\n  job: {{provider: token-file, enabled: false, token-file: /subject, \
             server: 'https://10.0.0.1'}}\n  production: {{provider: token-exchange, through: job, endpoint: \
             '{endpoint}', endpoint-certificate-authority: /ca.pem, {keys}}}\n"
        );
        let file = "/etc/kubex/config.yaml";
        self.world.write(file, &yaml);
        let registry = kubex::registry()?;
        kubex::config::Configuration::check_file(file, &host, &registry).await?;
        let configuration = kubex::config::Configuration::from_file(file, &host).await?;
        configuration.chain(registry)?.build()?.resolve().await
    }

    /// The requests that the issuer got.
    pub(crate) fn exchanges(&self) -> Vec<IssuerRequest> {
        self.issuer.requests_of(TOKEN_PATH)
    }

    /// The subject tokens of these requests.
    pub(crate) fn subjects(&self) -> Vec<String> {
        let requests = self.exchanges();
        let subjects = requests
            .iter()
            .filter_map(|request| request.field("subject_token"));
        subjects.map(str::to_owned).collect()
    }
}

/// The cluster of the other source.
pub(crate) fn cluster() -> Options {
    Options::new().set("server", "https://10.0.0.1")
}

/// A chain that exchanges the token of a source of this provider.
pub(crate) fn chain(host: Host, provider: &str, job: Options, options: Options) -> Result<Chain> {
    Chain::builder(kubex::registry()?)
        .host(host)
        .source(
            Source::new("production")
                .provider("token-exchange")
                .options(options),
        )
        .reference(Source::new("job").provider(provider).options(job))
        .build()
}
