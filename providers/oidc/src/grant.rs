//! The refresh-token grant (RFC 6749, section 6).
//!
//! An issuer accepts the client secret in one of two ways, and there is no reliable way to know which: by HTTP Basic,
//! or in the form. Basic is tried first and then the form, and the way that worked is used from then on, as in
//! golang.org/x/oauth2, which kubectl uses. A client without a secret sends only its id, in the form.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kubex_core::text::{Mask, clean_line};
use kubex_core::{Credential, Error, ErrorKind, ExposeSecret, Result, SecretString};
use kubex_tls::issuer::{Form, IssuerClient, IssuerResponse, client_basic, form_encoded};
use reqwest::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

/// The maximum number of characters of an issuer's error that are shown.
const LONGEST_REASON: usize = 300;

/// The client's id, and its secret if it has one.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: Option<SecretString>,
}

/// How the client's id and secret are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Style {
    Basic,
    Form,
}

/// The tokens of a token response.
pub(crate) struct Tokens {
    pub(crate) id_token: Option<SecretString>,
    /// The next refresh token, if the issuer rotates refresh tokens.
    pub(crate) refresh_token: Option<SecretString>,
}

/// Requests new tokens. `style` is the way that has worked before; it is updated.
///
/// # Errors
/// `Unavailable` if the issuer cannot be reached or refuses; the error contains its `error` and `error_description`
/// and nothing else of its response. `MalformedDocument` if the response is not a token response.
pub(crate) async fn refresh(
    http: &IssuerClient,
    endpoint: &Url,
    client: &Client,
    refresh_token: &SecretString,
    style: &mut Option<Style>,
) -> Result<Tokens> {
    let grant = Grant {
        http,
        endpoint,
        client,
        refresh_token,
    };
    let (used, outcome) = match (*style, &client.secret) {
        (None, Some(_)) => match grant.attempt(Style::Basic).await? {
            Ok(tokens) => (Style::Basic, Ok(tokens)),
            Err(refusal) => {
                let outcome = grant.attempt(Style::Form).await?;
                // An issuer that accepted the client by Basic has returned the more useful error.
                let outcome =
                    outcome.map_err(|second| if refusal.rejects_client() { second } else { refusal });
                (Style::Form, outcome)
            }
        },
        (known, _) => {
            let style = known.unwrap_or(Style::Form);
            (style, grant.attempt(style).await?)
        }
    };
    match outcome {
        Ok(tokens) => {
            *style = Some(used);
            Ok(tokens)
        }
        Err(refusal) => Err(refusal.into_error(&grant.whom())),
    }
}

struct Grant<'a> {
    http: &'a IssuerClient,
    endpoint: &'a Url,
    client: &'a Client,
    refresh_token: &'a SecretString,
}

/// An error response of the issuer, redacted so that it can be shown.
struct Refusal {
    status: StatusCode,
    code: String,
    description: String,
}

impl Refusal {
    /// Whether the issuer rejected the client and not the refresh token.
    fn rejects_client(&self) -> bool {
        self.code != "invalid_grant"
    }

    fn into_error(self, whom: &str) -> Error {
        let Self {
            status,
            code,
            description,
        } = self;
        let reason: Vec<String> = [code.clone(), description, status.to_string()]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        let error = Error::new(
            ErrorKind::Unavailable,
            format_args!("{whom} returned no new id-token: {}", reason.join(": ")),
        );
        if code == "invalid_grant" {
            error.with_help("log in again")
        } else if code == "invalid_client" || status == StatusCode::UNAUTHORIZED {
            error.with_help("check \"client-id\" and \"client-secret\"")
        } else {
            error
        }
    }
}

/// The fields of a token response (RFC 6749, 5.1 and 5.2) that are used here.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Document {
    id_token: Option<SecretString>,
    refresh_token: Option<SecretString>,
    access_token: Option<SecretString>,
    // Any type is accepted, so that the status is shown even if the issuer's response is malformed.
    error: Value,
    error_description: Value,
}

impl Grant<'_> {
    /// Sends one request. The outer error is one of the transport, the inner one is the issuer's.
    async fn attempt(&self, style: Style) -> Result<Result<Tokens, Refusal>> {
        let no_secret = SecretString::from("");
        let secret = self.client.secret.as_ref().unwrap_or(&no_secret);
        let mut fields = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", self.refresh_token.expose_secret()),
        ];
        let authorization = match style {
            Style::Basic => Some(client_basic(&self.client.id, secret)?),
            Style::Form => {
                fields.push(("client_id", &self.client.id));
                if !secret.expose_secret().is_empty() {
                    fields.push(("client_secret", secret.expose_secret()));
                }
                None
            }
        };
        let authorization = authorization
            .as_ref()
            .and_then(Credential::authorization)
            .cloned();
        let answer = self
            .http
            .post(self.endpoint, authorization, Form::new(&fields), &self.whom())
            .await?;
        self.read(&answer)
    }

    fn read(&self, answer: &IssuerResponse) -> Result<Result<Tokens, Refusal>> {
        let document = serde_json::from_slice::<Document>(&answer.body);
        let is_refused = |document: &Document| !answer.status.is_success() || document.error.is_string();
        match document {
            Ok(document) if !is_refused(&document) => Ok(Ok(Tokens {
                id_token: not_empty(document.id_token),
                refresh_token: not_empty(document.refresh_token),
            })),
            Err(_) if answer.status.is_success() => Err(Error::new(
                ErrorKind::MalformedDocument,
                format_args!("{} returned a response that is not a token response", self.whom()),
            )),
            document => Ok(Err(self.refusal(answer.status, document.unwrap_or_default()))),
        }
    }

    fn refusal(&self, status: StatusCode, document: Document) -> Refusal {
        let mut mask = Mask::new();
        for secret in [
            Some(self.refresh_token.clone()),
            self.client.secret.clone(),
            document.id_token,
            document.refresh_token,
            document.access_token,
        ]
        .into_iter()
        .flatten()
        {
            let encoded = form_encoded(secret.expose_secret());
            let id = form_encoded(&self.client.id);
            let pair = Zeroizing::new(format!("{}:{}", *id, *encoded));
            // Both the plain and the encoded form, because an issuer may quote the request.
            mask = mask
                .hiding(encoded.as_str().into())
                .hiding(BASE64_STANDARD.encode(pair.as_bytes()).into())
                .hiding(secret);
        }
        let shown = |value: &Value| {
            let masked = mask.apply(value.as_str().unwrap_or_default());
            clip(&clean_line(masked.trim())).to_owned()
        };
        Refusal {
            status,
            code: shown(&document.error),
            description: shown(&document.error_description),
        }
    }

    /// The endpoint without its path and query, which the issuer chooses.
    fn whom(&self) -> String {
        let origin = self.endpoint.origin().ascii_serialization();
        format!("the token endpoint at {}", clip(&origin))
    }
}

fn not_empty(token: Option<SecretString>) -> Option<SecretString> {
    token.filter(|token| !token.expose_secret().is_empty())
}

fn clip(text: &str) -> &str {
    text.char_indices()
        .nth(LONGEST_REASON)
        .and_then(|(end, _)| text.get(..end))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        assert_eq!(clip(&"ü".repeat(400)).chars().count(), LONGEST_REASON);
        assert_eq!(clip("short"), "short");
    }
}
