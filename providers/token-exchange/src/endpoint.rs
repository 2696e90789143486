//! The issuer's token endpoint, and the request to it (RFC 8693, 2.1).

use std::path::PathBuf;
use std::time::Duration;

use kubex_core::credentials::StoreIdentity;
use kubex_core::options::Pem;
use kubex_core::{Credential, Error, ErrorKind, ExposeSecret, Host, Options, Result, SecretString};
use kubex_tls::issuer::{Form, IssuerClient, client_basic, issuer_trust, parse_address};
use url::Url;
use zeroize::Zeroizing;

use crate::client::{Client, SecretFile};
use crate::options::{ClientAuthentication, TokenExchangeOptions};
use crate::response::{self, Refusal};
use crate::token_type::TokenType;

/// How long one request may take.
pub(crate) const REQUEST_LIMIT: Duration = Duration::from_secs(15);

/// The fields of the request that options set. `parameters` contains other ones.
const OWN_FIELDS: [&str; 11] = [
    "grant_type",
    "subject_token",
    "subject_token_type",
    "actor_token",
    "actor_token_type",
    "audience",
    "resource",
    "scope",
    "requested_token_type",
    "client_id",
    "client_secret",
];

/// Where a token is exchanged, and for what.
#[derive(Debug)]
pub(crate) struct Endpoint {
    url: Url,
    /// The fields without a secret, in the order in which they are sent.
    fields: Vec<(String, String)>,
    requested: Option<TokenType>,
    client: Option<Client>,
    actor: Option<(SecretFile, TokenType)>,
    authority: Option<Pem>,
    /// What distinguishes this exchange from others of the same subject, but for the contents of files.
    identity: StoreIdentity,
}

impl Endpoint {
    /// Reads everything of the options but `through`.
    ///
    /// # Errors
    /// `InvalidValue`, `MissingField` or `ConflictingFields`, with the origin of the option.
    pub(crate) fn new(given: TokenExchangeOptions, options: &Options) -> Result<Self> {
        let type_of = |key: &str, text: Option<String>| match text.filter(|text| !text.is_empty()) {
            Some(text) => TokenType::parse(key, &text, &options.origin_of(key)).map(Some),
            None => Ok(None),
        };
        let identity = identity_of(&given);
        let url = parse_address("\"endpoint\"", &given.endpoint)
            .map_err(|error| error.with_origin(&options.origin_of("endpoint")))?;
        let subject_type = type_of("subject-token-type", given.subject_token_type)?;
        let requested = type_of("requested-token-type", given.requested_token_type)?;
        if requested.as_ref().is_some_and(|it| !it.can_be_a_bearer_token()) {
            return Err(Error::new(
                ErrorKind::InvalidValue,
                format_args!("\"requested-token-type\" is one that no API server accepts as a token"),
            )
            .with_origin(&options.origin_of("requested-token-type"))
            .with_help("write jwt, id-token or access-token"));
        }
        let actor_type = type_of("actor-token-type", given.actor_token_type)?;
        let actor = match given.actor_token_file {
            Some(path) => {
                let file = SecretFile::new("actor-token-file", path, options)?;
                Some((file, actor_type.unwrap_or_else(TokenType::jwt)))
            }
            None => None,
        };
        let mut fields = vec![(
            "subject_token_type".to_owned(),
            subject_type.unwrap_or_else(TokenType::jwt).as_str().to_owned(),
        )];
        for (name, value) in [
            ("audience", given.audience),
            ("resource", given.resource),
            ("scope", given.scope),
            (
                "requested_token_type",
                requested.as_ref().map(|requested| requested.as_str().to_owned()),
            ),
        ] {
            fields.extend(
                value
                    .filter(|value| !value.is_empty())
                    .map(|value| (name.to_owned(), value)),
            );
        }
        if let Some(own) = OWN_FIELDS.iter().find(|own| given.parameters.contains_key(**own)) {
            return Err(Error::new(
                ErrorKind::ConflictingFields,
                format_args!("\"parameters\" contains \"{own}\", which an option sets"),
            )
            .with_origin(&options.origin_of("parameters"))
            .with_help(format_args!("remove \"{own}\" from \"parameters\"")));
        }
        fields.extend(given.parameters);
        Ok(Self {
            url,
            fields,
            requested,
            client: Client::new(
                given.client_id,
                (given.client_secret, given.client_secret_file),
                given.client_authentication,
                options,
            )?,
            actor,
            authority: Pem::new(
                "endpoint-certificate-authority",
                given.endpoint_certificate_authority,
                given.endpoint_certificate_authority_data,
                options,
            )?,
            identity,
        })
    }

    /// Exchanges this token. The outer error is one of the transport or of the response's form, the inner one is the
    /// issuer's.
    ///
    /// # Errors
    /// `Unavailable`, `TimedOut`, `MalformedDocument`, `Unsupported`, `InvalidToken`; those of the files.
    pub(crate) async fn exchange(
        &self,
        subject: &SecretString,
        host: &Host,
    ) -> Result<std::result::Result<Credential, Refusal>> {
        let trust = issuer_trust(self.authority.as_ref(), host).await?;
        let actor = match &self.actor {
            Some((file, kind)) => Some((file.load(host).await?, kind)),
            None => None,
        };
        let secret = self.client_secret(host).await?;
        let mut fields = vec![
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", subject.expose_secret()),
        ];
        fields.extend(
            self.fields
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        if let Some((token, kind)) = &actor {
            fields.push(("actor_token", token.expose_secret()));
            fields.push(("actor_token_type", kind.as_str()));
        }
        let mut authorization = None;
        match (&self.client, &secret) {
            (Some(client), Some(secret)) if client.authentication == ClientAuthentication::Basic => {
                authorization = client_basic(&client.id, secret)?.authorization().cloned();
            }
            (Some(client), secret) => {
                fields.push(("client_id", &client.id));
                fields.extend(
                    secret
                        .iter()
                        .map(|secret| ("client_secret", secret.expose_secret())),
                );
            }
            (None, _) => {}
        }
        let whom = self.whom();
        let http = IssuerClient::new(&trust, "endpoint-certificate-authority", host)?;
        let sent_at = host.now().wall;
        let response = http.post(&self.url, authorization, Form::new(&fields), &whom);
        let response = host.within(REQUEST_LIMIT, response).await.map_err(|_| {
            let limit = REQUEST_LIMIT.as_secs();
            let what = format_args!("{whom} did not respond within {limit} s");
            Error::new(ErrorKind::TimedOut, what).with_help("check \"endpoint\"")
        })??;
        response::read(&response, self.requested.as_ref(), sent_at, &whom)
    }

    /// Reads the files, so that a problem is found before anything is requested.
    ///
    /// # Errors
    /// Those of the files.
    pub(crate) async fn check(&self, host: &Host) -> Result<()> {
        issuer_trust(self.authority.as_ref(), host).await?;
        self.client_secret(host).await?;
        if let Some((file, _)) = &self.actor {
            file.load(host).await?;
        }
        Ok(())
    }

    async fn client_secret(&self, host: &Host) -> Result<Option<SecretString>> {
        match self.client.as_ref().and_then(|client| client.secret.as_ref()) {
            Some(secret) => secret.load(host).await.map(Some),
            None => Ok(None),
        }
    }

    /// The endpoint in errors: without path and query, which may identify a customer.
    pub(crate) fn whom(&self) -> String {
        format!("the token endpoint at {}", self.origin())
    }

    /// Scheme, host and port.
    pub(crate) fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// What distinguishes this exchange from others of the same subject, in this process. Secrets in files are distinguished
    /// by their paths.
    pub(crate) fn identity(&self) -> &StoreIdentity {
        &self.identity
    }

    /// The same in every process: two of them may have other files at these paths. `None` if a file cannot be read.
    pub(crate) async fn store_identity(&self, host: &Host) -> Option<StoreIdentity> {
        let secret = self.client_secret(host).await.ok()?;
        let actor = match &self.actor {
            Some((file, _)) => Some(file.load(host).await.ok()?),
            None => None,
        };
        let of_secret = secret.as_ref().map(ExposeSecret::expose_secret);
        let of_actor = actor.as_ref().map(ExposeSecret::expose_secret);
        let identity = self.identity.clone();
        Some(
            identity
                .with_optional("content of the client secret", of_secret)
                .with_optional("content of the actor's token", of_actor),
        )
    }
}

/// All options but those of the subject. Secrets in files are distinguished by their paths.
fn identity_of(given: &TokenExchangeOptions) -> StoreIdentity {
    let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let secret =
        |secret: &Option<SecretString>| secret.as_ref().map(|it| it.expose_secret().as_bytes().to_vec());
    let path = |path: &Option<PathBuf>| path.as_ref().map(|it| it.as_os_str().as_encoded_bytes().to_vec());
    let parameters = given.parameters.iter().flat_map(|(name, value)| [name, value]);
    StoreIdentity::new("token-exchange", "token exchange")
        .with("endpoint", &given.endpoint)
        .with_optional("audience", text(&given.audience))
        .with_optional("resource", text(&given.resource))
        .with_optional("scope", text(&given.scope))
        .with_optional("subject token type", text(&given.subject_token_type))
        .with_optional("requested token type", text(&given.requested_token_type))
        .with_optional("client", text(&given.client_id))
        .with_optional("client secret", secret(&given.client_secret).map(Zeroizing::new))
        .with_optional("client secret file", path(&given.client_secret_file))
        .with(
            "client authentication",
            format!("{:?}", given.client_authentication),
        )
        .with_optional("actor", path(&given.actor_token_file))
        .with_optional("actor token type", text(&given.actor_token_type))
        .with_optional("authority", path(&given.endpoint_certificate_authority))
        .with_optional(
            "authority data",
            secret(&given.endpoint_certificate_authority_data).map(Zeroizing::new),
        )
        .with_list("parameters", parameters)
}
