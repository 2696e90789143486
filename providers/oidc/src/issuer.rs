//! The issuer: its address, and the discovery of its token endpoint.

use std::fmt;

use kubex_core::text::sanitize_line;
use kubex_core::{Error, ErrorKind, Result};
use kubex_tls::issuer::{IssuerClient, parse_address};
use reqwest::StatusCode;
use serde::Deserialize;
use url::Url;

/// An issuer's address: https, without user name, query or fragment (OpenID Connect Discovery 1.0, section 3), so
/// that it can be shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Issuer {
    /// The original text, without a trailing slash.
    text: String,
    discovery: Url,
}

impl Issuer {
    /// Parses the address.
    ///
    /// # Errors
    /// `InvalidValue`, also for `http://`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let what = "the issuer's address";
        let invalid = |why: &str| Error::new(ErrorKind::InvalidValue, format_args!("{what} {why}"));
        if parse_address(what, text)?.query().is_some() {
            return Err(invalid("contains a query"));
        }
        let text = without_slash(text).to_owned();
        let discovery = Url::parse(&format!("{text}/.well-known/openid-configuration"))
            .map_err(|_| invalid("is not a valid URL"))?;
        Ok(Self { text, discovery })
    }

    /// Requests the token endpoint from the issuer. As in client-go (`oidc.go`, `tokenEndpoint`), this happens at
    /// every refresh, so that an endpoint may move.
    ///
    /// # Errors
    /// `Unavailable`; `MalformedDocument` for a document without the endpoint or of another issuer; `Refused`
    /// for an endpoint that is not https.
    pub(crate) async fn token_endpoint(&self, http: &IssuerClient) -> Result<Url> {
        #[derive(Deserialize)]
        struct Document {
            issuer: Option<String>,
            token_endpoint: Option<String>,
        }

        let answer = http
            .get(&self.discovery, &format!("the OIDC issuer {self}"))
            .await?;
        if answer.status != StatusCode::OK {
            let error = Error::new(
                ErrorKind::Unavailable,
                format_args!(
                    "the OIDC issuer {self} responded {} to the request for its discovery document",
                    answer.status
                ),
            );
            return Err(if answer.status.is_redirection() {
                error.with_help(
                    "set \"idp-issuer-url\" to the target of the redirect; redirects are not followed",
                )
            } else {
                error.with_help("check \"idp-issuer-url\"")
            });
        }
        let document: Document = serde_json::from_slice(&answer.body)
            .map_err(|_| self.malformed("is not JSON of the expected type"))?;
        // kubectl does not check the issuer, so a document without it is accepted.
        if document
            .issuer
            .is_some_and(|issuer| without_slash(&issuer) != self.text)
        {
            return Err(self
                .malformed("belongs to a different issuer")
                .with_help("set \"idp-issuer-url\" to the \"iss\" of its tokens"));
        }
        let endpoint = document
            .token_endpoint
            .filter(|endpoint| !endpoint.is_empty())
            .ok_or_else(|| self.malformed("has no \"token_endpoint\""))?;
        let endpoint = Url::parse(&endpoint)
            .map_err(|_| self.malformed("has a \"token_endpoint\" that is not a valid URL"))?;
        // The HTTP client would send it instead of the client's own.
        if !endpoint.username().is_empty() || endpoint.password().is_some() {
            return Err(self.malformed("has a \"token_endpoint\" that contains a user name or a password"));
        }
        if endpoint.scheme() != "https" {
            return Err(Error::new(
                ErrorKind::Refused,
                format_args!(
                    "the token endpoint of the OIDC issuer {self} is not https, so tokens would be sent in clear text"
                ),
            ));
        }
        Ok(endpoint)
    }

    fn malformed(&self, why: &str) -> Error {
        Error::new(
            ErrorKind::MalformedDocument,
            format_args!("the discovery document of the OIDC issuer {self} {why}"),
        )
    }
}

fn without_slash(text: &str) -> &str {
    text.strip_suffix('/').unwrap_or(text)
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&sanitize_line(&self.text))
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issuer({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discovery_is_below_the_issuer_with_one_slash_trimmed() {
        for (issuer, discovery) in [
            (
                "https://accounts.example",
                "https://accounts.example/.well-known/openid-configuration",
            ),
            (
                "https://h:8443/realms/a/",
                "https://h:8443/realms/a/.well-known/openid-configuration",
            ),
        ] {
            assert_eq!(Issuer::parse(issuer).unwrap().discovery.as_str(), discovery);
        }
    }

    #[test]
    fn an_address_that_would_give_something_away_is_refused_and_not_quoted() {
        for issuer in [
            "http://s3cr3t.example",
            "s3cr3t.example",
            "https://jane:s3cr3t@h",
            "https://s3cr3t@h",
            "https://h?s3cr3t",
            "https://h#s3cr3t",
            "https://h/s3cr3t\n",
            "https://h /s3cr3t",
            "file:///s3cr3t",
            "",
        ] {
            let error = Issuer::parse(issuer).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidValue, "{issuer}");
            assert!(!error.to_string().contains("s3cr3t"), "{error}");
        }
    }
}
