//! The two grants of Google's token endpoint that need nothing but its address, as golang.org/x/oauth2 sends them for
//! gke-gcloud-auth-plugin. Google's SDK signs the assertion.
//!
//! The SDK is not used for them: for a service account, it would use the assertion itself as the token, which the plugin never
//! does; for a user, it does not return the expiry of the token.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use google_cloud_auth::credentials::service_account;
use kubex_core::{Credential, Error, ErrorKind, ExposeSecret, Host, Result, SecretString};
use serde_json::json;
use url::Url;

use crate::crypto::check_provider;
use crate::http::post;
use crate::identity::{ServiceAccount, User};
use crate::token;

/// How far an assertion is dated back, in case Google's clock is behind.
const LEEWAY: Duration = Duration::from_secs(10);

/// The lifetime of an assertion.
const LIFETIME: Duration = Duration::from_hours(1);

/// Exchanges a signed assertion for a token (RFC 7523).
///
/// # Errors
/// `Unsupported` for a key that the SDK cannot sign with; otherwise as [`token::read`].
pub(crate) async fn of_service_account(
    account: &ServiceAccount,
    scopes: &[String],
    host: &Host,
) -> Result<Credential> {
    let endpoint = account.endpoint()?;
    let now = host.now().wall;
    let assertion = assertion(account, scopes, now).await?;
    let fields = [
        ("assertion", assertion.expose_secret()),
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
    ];
    let whom = whom(&endpoint);
    let answer = post(&endpoint, &fields, &whom, host).await?;
    token::read(&answer, &[assertion.expose_secret()], &whom, now)
}

/// Exchanges the refresh token of a user. Without scopes, the token has those of the login.
///
/// # Errors
/// Returns the errors of [`token::read`].
pub(crate) async fn of_user(user: &User, scopes: Option<&[String]>, host: &Host) -> Result<Credential> {
    let endpoint = user.endpoint()?;
    let now = host.now().wall;
    let (secret, refresh_token) = (
        user.client_secret.expose_secret(),
        user.refresh_token.expose_secret(),
    );
    let mut fields = vec![
        ("client_id", user.client_id.as_str()),
        ("client_secret", secret),
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token),
    ];
    let scope = scopes.map(|scopes| scopes.join(" "));
    fields.extend(scope.as_ref().map(|scope| ("scope", scope.as_str())));
    let whom = whom(&endpoint);
    let answer = post(&endpoint, &fields, &whom, host).await?;
    token::read(&answer, &[secret, refresh_token], &whom, now)
}

async fn assertion(account: &ServiceAccount, scopes: &[String], now: SystemTime) -> Result<SecretString> {
    check_provider()?;
    let issued = (now - LEEWAY).duration_since(UNIX_EPOCH).unwrap_or_default();
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": account.private_key_id});
    let claims = json!({
        "iss": account.client_email,
        "scope": scopes.join(" "),
        "aud": account.audience(),
        "exp": (issued + LIFETIME).as_secs(),
        "iat": issued.as_secs(),
    });
    let encode = |value: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let content = format!("{}.{}", encode(&header), encode(&claims));
    // The SDK's messages are not kept: they describe the key.
    let signer = service_account::Builder::new(json!({
        "client_email": account.client_email,
        "private_key_id": account.private_key_id,
        "private_key": account.private_key.expose_secret(),
        "project_id": "",
    }))
    .build_signer()
    .map_err(|_| unusable())?;
    let signature = signer.sign(&content).await.map_err(|_| unusable())?;
    Ok(format!("{content}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)).into())
}

fn unusable() -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "the \"private_key\" of the service account is not an RSA key in PKCS#8",
    )
    .with_help("create a new key, or use gke-gcloud-auth-plugin with the provider exec")
}

/// The endpoint without its path and query.
fn whom(endpoint: &Url) -> String {
    format!(
        "the token endpoint at {}",
        endpoint.origin().ascii_serialization()
    )
}
