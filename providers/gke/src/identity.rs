//! The identity in a credentials file: a service account, a user, an external account, or an impersonated service account.

use kubex_core::text::clean_line;
use kubex_core::{Error, ErrorKind, ExposeSecret, Origin, Result, SecretBytes, SecretString};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::address::check_address;
use crate::exchange::LIFETIME;

/// The token endpoint of a file that names none.
const TOKEN_ENDPOINT: &str = "https://oauth2.googleapis.com/token";

/// The most levels of identities that refer to another one.
const MOST_LEVELS: usize = 4;

/// The identity in a credentials file.
pub(crate) enum Identity {
    ServiceAccount(ServiceAccount),
    User(User),
    /// An identity that Google's SDK exchanges.
    Exchanged(Exchanged),
}

/// A key of a service account.
#[derive(Deserialize)]
pub(crate) struct ServiceAccount {
    pub(crate) client_email: String,
    pub(crate) private_key: SecretString,
    #[serde(default)]
    pub(crate) private_key_id: String,
    token_uri: Option<String>,
}

/// The login of a user, as `gcloud auth application-default login` writes it.
#[derive(Deserialize)]
pub(crate) struct User {
    pub(crate) client_id: String,
    pub(crate) client_secret: SecretString,
    pub(crate) refresh_token: SecretString,
    token_uri: Option<String>,
}

/// An external account, the login of a workforce user, or an impersonated service account.
pub(crate) struct Exchanged {
    /// The type, as the file contains it.
    pub(crate) kind: &'static str,
    pub(crate) document: Value,
    /// While they exist, they are hidden in every text that is shown.
    pub(crate) hidden: Vec<SecretString>,
}

/// The types that Google's SDK exchanges.
const EXCHANGED: [&str; 3] = [
    "external_account",
    "external_account_authorized_user",
    "impersonated_service_account",
];

/// The fields of such a document that are secrets.
const SECRETS: [&str; 3] = ["client_secret", "refresh_token", "private_key"];

impl Identity {
    /// Reads a credentials file.
    ///
    /// # Errors
    /// `MalformedDocument` for a file that is not one, `Unsupported` for a type or a source that this provider does not
    /// support, and `InvalidValue` for an address that credentials are not sent to.
    pub(crate) fn read(content: &SecretBytes, origin: &Origin) -> Result<Self> {
        Self::parse(content.expose_secret()).map_err(|error| error.or_origin(origin))
    }

    fn parse(content: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Typed {
            r#type: String,
        }
        let typed: Typed = parse(content)?;
        match typed.r#type.as_str() {
            "service_account" => {
                let account: ServiceAccount = parse(content)?;
                account.endpoint()?;
                account.check_key()?;
                Ok(Self::ServiceAccount(account))
            }
            "authorized_user" => {
                let user: User = parse(content)?;
                user.endpoint()?;
                Ok(Self::User(user))
            }
            kind => {
                let Some(kind) = EXCHANGED.into_iter().find(|known| *known == kind) else {
                    return Err(unsupported(format!(
                        "the type \"{}\" of the credentials file is not supported",
                        clean_line(kind)
                    )));
                };
                let document: Value = parse(content)?;
                let mut hidden = Vec::new();
                check(&document, 0, &mut hidden)?;
                Ok(Self::Exchanged(Exchanged {
                    kind,
                    document,
                    hidden,
                }))
            }
        }
    }
}

impl ServiceAccount {
    /// Checks that this is a key that the SDK can sign with, as Google issues them.
    fn check_key(&self) -> Result<()> {
        if self
            .private_key
            .expose_secret()
            .contains("-----BEGIN PRIVATE KEY-----")
        {
            Ok(())
        } else {
            Err(unsupported(
                "the \"private_key\" of the service account is not a key in PKCS#8",
            ))
        }
    }

    /// The address of the token endpoint, as it is in the file.
    pub(crate) fn audience(&self) -> &str {
        token_uri(self.token_uri.as_deref())
    }

    /// The token endpoint, which exchanges the assertion.
    ///
    /// # Errors
    /// `InvalidValue` for an address that credentials are not sent to.
    pub(crate) fn endpoint(&self) -> Result<Url> {
        check_address("token_uri", self.audience())
    }
}

impl User {
    /// The token endpoint, which exchanges the refresh token.
    ///
    /// # Errors
    /// Returns the errors of [`ServiceAccount::endpoint`].
    pub(crate) fn endpoint(&self) -> Result<Url> {
        check_address("token_uri", token_uri(self.token_uri.as_deref()))
    }
}

impl Exchanged {
    /// Whether the last step of the exchange is the impersonation of a service account.
    pub(crate) fn impersonates(&self) -> bool {
        let url = self.document.get("service_account_impersonation_url");
        url.is_some_and(Value::is_string)
    }

    /// The string at this name in the source of the subject token, of this document or the one it refers to.
    pub(crate) fn of_the_source<'a>(&'a self, name: &str) -> Option<&'a str> {
        self.find_in_source(|source| source.get(name)?.as_str())
    }

    /// Whether the subject token is a field of a JSON document.
    pub(crate) fn has_json_subject(&self) -> bool {
        self.find_in_source(|source| source.get("format")?.get("type")?.as_str()) == Some("json")
    }

    fn find_in_source<'a>(&'a self, find: impl Fn(&'a Value) -> Option<&'a str>) -> Option<&'a str> {
        let mut document = &self.document;
        for _ in 0..MOST_LEVELS {
            if let Some(found) = document.get("credential_source").and_then(&find) {
                return Some(found);
            }
            document = document.get("source_credentials")?;
        }
        None
    }

    /// Every address of the document.
    pub(crate) fn addresses(&self) -> Vec<Url> {
        let mut found = Vec::new();
        let mut document = Some(&self.document);
        for _ in 0..MOST_LEVELS {
            let Some(level) = document else { break };
            let texts =
                addresses(level).filter_map(|(_, text)| text.replace("{region}", "region").parse().ok());
            found.extend(texts);
            document = level.get("source_credentials");
        }
        found
    }
}

fn token_uri(written: Option<&str>) -> &str {
    written.filter(|it| !it.is_empty()).unwrap_or(TOKEN_ENDPOINT)
}

/// The addresses at one level, with the names of their fields.
fn addresses(document: &Value) -> impl Iterator<Item = (&str, &str)> {
    let source = document.get("credential_source");
    [Some(document), source]
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .flatten()
        .filter(|(name, _)| name.ends_with("url") || name.ends_with("uri"))
        .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
}

/// Checks that the SDK may exchange what the document contains, and collects its secrets.
fn check(document: &Value, level: usize, hidden: &mut Vec<SecretString>) -> Result<()> {
    if level == MOST_LEVELS {
        return Err(malformed("refers to more than three others"));
    }
    for name in SECRETS {
        if let Some(secret) = document.get(name).and_then(Value::as_str) {
            hidden.push(secret.into());
        }
    }
    for (name, address) in addresses(document) {
        // The region is the SDK's to fill in.
        check_address(name, &address.replace("{region}", "region"))?;
    }
    if let Some(source) = document.get("credential_source") {
        check_source(source)?;
        let headers = source.get("headers").and_then(Value::as_object);
        let values = headers.into_iter().flat_map(|headers| headers.values());
        hidden.extend(values.filter_map(Value::as_str).map(SecretString::from));
    }
    let lifetime = document
        .get("service_account_impersonation")
        .and_then(|it| it.get("token_lifetime_seconds"));
    if lifetime.is_some_and(|lifetime| *lifetime != LIFETIME.as_secs()) {
        return Err(unsupported(
            "\"token_lifetime_seconds\" of the credentials file is not supported",
        ));
    }
    match document.get("source_credentials") {
        Some(source) => check(source, level + 1, hidden),
        None => Ok(()),
    }
}

/// Checks that the subject token comes from exactly one place, because libraries choose differently between two.
fn check_source(source: &Value) -> Result<()> {
    if source.get("executable").is_some() {
        return Err(unsupported(
            "the credentials file names a program, which this provider does not start",
        ));
    }
    let [file, url, environment] =
        ["file", "url", "environment_id"].map(|name| source.get(name).map(Value::as_str));
    match (file, url, environment) {
        (Some(Some(_)), None, None)
        | (None, Some(Some(_)), None)
        | (None, None | Some(Some(_)), Some(Some("aws1"))) => Ok(()),
        _ => Err(unsupported(
            "the \"credential_source\" of the credentials file is not supported",
        )),
    }
}

/// The parser's message is not kept: it may quote a value.
fn parse<'a, T: Deserialize<'a>>(content: &'a [u8]) -> Result<T> {
    serde_json::from_slice(content).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Data => "lacks a field of its type, or has one of another type",
            _ => "is not valid JSON",
        };
        malformed(what)
    })
}

fn malformed(what: &str) -> Error {
    Error::new(
        ErrorKind::MalformedDocument,
        format_args!("the credentials file of Google {what}"),
    )
    .with_help("create it again, for example with `gcloud auth application-default login`")
}

fn unsupported(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Unsupported, what).with_help("use gke-gcloud-auth-plugin with the provider exec")
}
