//! A request to an issuer whose API is not that of OAuth: JSON, and headers of its own.

use bytes::Bytes;
use kubex_core::{Credential, Error, ErrorKind, ExposeSecret, Result, SecretString};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, RequestBuilder};
use url::Url;
use zeroize::Zeroizing;

/// A request that [`IssuerClient::send`](super::IssuerClient::send) sends. Its headers and its body may be secrets, so `Debug`
/// does not show them.
///
/// ```
/// use kubex_tls::issuer::{IssuerRequest, parse_address};
///
/// let address = parse_address("the vault's address", "https://vault.example/v1/login")?;
/// let request = IssuerRequest::post(&address)
///     .bearer(&"s3cret".into())?
///     .header("x-vault-namespace", &"team-a".into())?
///     .json(r#"{"role": "deployer"}"#.to_owned());
/// assert!(!format!("{request:?}").contains("s3cret"));
/// # Ok::<(), kubex_core::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "it is not sent before `IssuerClient::send`"]
pub struct IssuerRequest {
    method: Method,
    pub(super) url: Url,
    headers: HeaderMap,
    body: Option<Json>,
}

impl IssuerRequest {
    /// Creates a request with the method `GET`.
    pub fn get(url: &Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// Creates a request with the method `POST`.
    pub fn post(url: &Url) -> Self {
        Self::new(Method::POST, url)
    }

    fn new(method: Method, url: &Url) -> Self {
        Self {
            method,
            url: url.clone(),
            headers: HeaderMap::new(),
            body: None,
        }
    }

    /// Sets the header `Authorization` to this bearer token.
    ///
    /// # Errors
    /// Returns the errors of [`Credential::bearer`].
    pub fn bearer(mut self, token: &SecretString) -> Result<Self> {
        if let Some(authorization) = Credential::bearer(token.clone())?.authorization() {
            set(&mut self.headers, AUTHORIZATION, authorization.clone())?;
        }
        Ok(self)
    }

    /// Sets a header. Its value may be a secret.
    ///
    /// # Errors
    /// Returns [`ErrorKind::InvalidValue`] if the name or the value is not that of a header. The error does not contain the
    /// value.
    pub fn header(mut self, name: &str, value: &SecretString) -> Result<Self> {
        let invalid = |part: &str| {
            let message = format_args!("the {part} of a header of the request is not valid");
            Error::new(ErrorKind::InvalidValue, message)
        };
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid("name"))?;
        let value = HeaderValue::from_str(value.expose_secret());
        let mut value = value.map_err(|_| invalid(&format!("value of \"{name}\"")))?;
        value.set_sensitive(true);
        set(&mut self.headers, name, value)?;
        Ok(self)
    }

    /// Sets the body to this JSON, which is wiped after it is sent.
    pub fn json(mut self, text: String) -> Self {
        self.body = Some(Json(Zeroizing::new(text)));
        self
    }

    pub(super) fn of(self, client: &Client) -> RequestBuilder {
        let request = client.request(self.method, self.url);
        match self.body {
            // A content type that the provider has set replaces this one.
            Some(body) => request
                .header(CONTENT_TYPE, "application/json")
                .headers(self.headers)
                .body(Bytes::from_owner(body)),
            None => request.headers(self.headers),
        }
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) -> Result<()> {
    let full = |_| Error::new(ErrorKind::InvalidValue, "the request has too many headers");
    headers.try_insert(name, value).map_err(full)?;
    Ok(())
}

/// A body that is wiped.
struct Json(Zeroizing<String>);

impl AsRef<[u8]> for Json {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Json([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_header_and_no_body_is_shown() {
        let url = Url::parse("https://vault.example").unwrap();
        let request = IssuerRequest::post(&url)
            .bearer(&"s3cret-a".into())
            .unwrap()
            .header("x-vault-token", &"s3cret-b".into())
            .unwrap()
            .json("s3cret-c".to_owned());
        assert_eq!(request.headers.len(), 2);
        assert!(!format!("{request:?}").contains("s3cret"), "{request:?}");
        for (name, value) in [("a b", "s3cret"), ("x-vault-token", "s3cret\n")] {
            let error = IssuerRequest::get(&url).header(name, &value.into()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidValue);
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }
}
