//! The credential source: builds a credential from the options.

use async_trait::async_trait;
use kubex_core::options::KeyPairOptions;
use kubex_core::{
    BuildContext, Credential, CredentialSource, Error, ErrorKind, FetchRequest, FromOptions, Host, Origin,
    Result, SecretString,
};

use crate::options::StaticOptions;

/// The credential source of the provider `static`. It reads certificate files when a credential is fetched, and again
/// every 60 s.
#[derive(Debug)]
pub struct StaticSource {
    authorization: Option<(Authorization, Origin)>,
    /// Boxed, because most sources have none.
    key_pair: Option<Box<KeyPairOptions>>,
}

/// The content of the `Authorization` header.
#[derive(Debug)]
enum Authorization {
    Bearer(SecretString),
    Basic(String, SecretString),
}

impl FromOptions for StaticSource {
    type Options = StaticOptions;

    fn from_options(options: StaticOptions, context: &BuildContext<'_>) -> Result<Self> {
        let origin_of = |key: &str| context.options.origin_of(key);
        let authorization = match (options.token, options.username, options.password) {
            (Some(_), Some(_), _) => {
                return Err(Error::new(
                    ErrorKind::ConflictingFields,
                    "\"token\" and \"username\" are both set, but a request sends only one of them",
                )
                .with_origin(&origin_of("username"))
                .with_help("remove one of them"));
            }
            (Some(_), None, Some(_)) => {
                return Err(Error::new(
                    ErrorKind::ConflictingFields,
                    "\"token\" and \"password\" are both set, but a request sends only one of them",
                )
                .with_origin(&origin_of("password"))
                .with_help("remove one of them"));
            }
            (Some(token), None, None) => Some((Authorization::Bearer(token), origin_of("token"))),
            (None, Some(username), password) => Some((
                Authorization::Basic(username, password.unwrap_or_default()),
                origin_of("username"),
            )),
            (None, None, Some(_)) => {
                return Err(Error::new(
                    ErrorKind::MissingField,
                    "\"password\" is set without \"username\"",
                )
                .with_origin(&origin_of("password"))
                .with_help("set \"username\""));
            }
            (None, None, None) => None,
        };
        let key_pair = KeyPairOptions::new(
            (options.client_certificate, options.client_certificate_data),
            (options.client_key, options.client_key_data),
            context.options,
        )?;
        Ok(Self {
            authorization,
            key_pair: key_pair.map(Box::new),
        })
    }
}

impl StaticSource {
    async fn credential(&self, host: &Host) -> Result<Credential> {
        let credential = match &self.authorization {
            None => Credential::anonymous(),
            Some((Authorization::Bearer(token), origin)) => {
                Credential::bearer(token.clone()).map_err(|error| error.with_origin(origin))?
            }
            Some((Authorization::Basic(username, password), origin)) => {
                Credential::basic(username, password.clone()).map_err(|error| error.with_origin(origin))?
            }
        };
        let Some(key_pair) = &self.key_pair else {
            return Ok(credential);
        };
        let credential = credential.with_certificate(key_pair.load(host).await?);
        Ok(match key_pair.revalidate_after() {
            Some(age) => credential.with_revalidate_after(age),
            None => credential,
        })
    }
}

#[async_trait]
impl CredentialSource for StaticSource {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
        self.credential(request.host).await
    }

    fn describe(&self) -> String {
        match (&self.authorization, &self.key_pair) {
            (None, None) => "no credential",
            (None, Some(_)) => "client certificate",
            (Some((Authorization::Bearer(_), _)), None) => "bearer token",
            (Some((Authorization::Bearer(_), _)), Some(_)) => "bearer token and client certificate",
            (Some((Authorization::Basic(..), _)), None) => "user name and password",
            (Some((Authorization::Basic(..), _)), Some(_)) => "user name, password and client certificate",
        }
        .to_owned()
    }

    fn only_reads_files(&self) -> bool {
        true
    }

    fn never_changes(&self) -> bool {
        let key_pair = self.key_pair.as_ref();
        key_pair.is_none_or(|key_pair| key_pair.revalidate_after().is_none())
    }

    async fn check(&self, host: &Host) -> Result<Option<Credential>> {
        self.credential(host).await.map(Some)
    }
}
