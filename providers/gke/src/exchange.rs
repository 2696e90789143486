//! Identities that Google's SDK exchanges: external accounts (Workload Identity Federation), workforce users, and
//! impersonated service accounts.
//!
//! The SDK starts a task that renews the token, so each exchange has its own thread and runtime, which end with it. The SDK's
//! errors and events contain bodies of responses, so only the kind and the HTTP status of an error are used.

use std::sync::Arc;
use std::time::Duration;

use google_cloud_auth::build_errors::Error as BuildError;
use google_cloud_auth::credentials::{
    AccessTokenCredentials, external_account, external_account_authorized_user, impersonated,
};
use google_cloud_auth::errors::CredentialsError;
use google_cloud_gax::error::Error as RequestError;
use kubex_core::text::causes;
use kubex_core::{Credential, Error, ErrorKind, Host, Result, SecretString};
use reqwest::StatusCode;
use tokio::sync::oneshot;
use tracing::subscriber::NoSubscriber;

use crate::crypto::check_provider;
use crate::identity::Exchanged;
use crate::process::check_process;
use crate::token::REVALIDATE_AFTER;

/// The lifetime of the token of an impersonated service account, which the SDK asks for.
pub(crate) const LIFETIME: Duration = Duration::from_hours(1);

/// Exchanges the identity for a token.
///
/// # Errors
/// `Unsupported` for a document that the SDK does not accept, or if the SDK would read other values from its process;
/// `Unavailable` if Google or the source of the subject token refuses or cannot be reached.
pub(crate) async fn exchange(exchanged: Exchanged, scopes: Vec<String>, host: &Host) -> Result<Credential> {
    check_provider()?;
    check_process(&exchanged, host).await?;
    let now = host.now().wall;
    let impersonates = exchanged.impersonates();
    let token = token(exchanged, scopes).await?;
    let credential = Credential::bearer(token)?;
    Ok(if impersonates {
        credential.with_expiry(Some(now + LIFETIME))
    } else {
        // The SDK does not say when it expires.
        credential.with_revalidate_after(REVALIDATE_AFTER)
    })
}

async fn token(exchanged: Exchanged, scopes: Vec<String>) -> Result<SecretString> {
    let Exchanged {
        kind,
        document,
        hidden: _hidden,
    } = exchanged;
    let (mut done, result) = oneshot::channel();
    let thread = std::thread::Builder::new().name("kubex-gke".to_owned());
    let started = thread.spawn(move || {
        let _silent = tracing::subscriber::set_default(Arc::new(NoSubscriber::default()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        let outcome = runtime.block_on(async {
            let exchange = async {
                let credentials = build(kind, document, scopes).map_err(|error| not_accepted(&error))?;
                let token = credentials.access_token().await;
                token.map(|it| it.token.into()).map_err(|error| failed(&error))
            };
            tokio::select! {
                outcome = exchange => Some(outcome),
                // The fetch has ended at its time limit.
                () = done.closed() => None,
            }
        });
        // A name that is being resolved is not waited for.
        runtime.shutdown_background();
        if let Some(outcome) = outcome {
            // The receiver may have ended since.
            let _ = done.send(outcome);
        }
    });
    let lost = || {
        Error::new(
            ErrorKind::Unavailable,
            "the exchange for a token of Google was not run",
        )
    };
    started.map_err(|_| lost())?;
    result.await.map_err(|_| lost())?
}

fn build(
    kind: &str,
    document: serde_json::Value,
    scopes: Vec<String>,
) -> Result<AccessTokenCredentials, BuildError> {
    match kind {
        "impersonated_service_account" => impersonated::Builder::new(document)
            .with_scopes(scopes)
            .with_lifetime(LIFETIME)
            .build_access_token_credentials(),
        // The scopes are those of the login.
        "external_account_authorized_user" => {
            external_account_authorized_user::Builder::new(document).build_access_token_credentials()
        }
        _ => external_account::Builder::new(document)
            .with_scopes(scopes)
            .build_access_token_credentials(),
    }
}

fn not_accepted(error: &BuildError) -> Error {
    let what = if error.is_missing_field() || error.is_parsing() {
        "a field is missing, or has another type"
    } else {
        "its type is not supported"
    };
    Error::new(
        ErrorKind::Unsupported,
        format_args!("Google's SDK does not accept the credentials file: {what}"),
    )
    .with_help("create the file again, or use gke-gcloud-auth-plugin with the provider exec")
}

/// The status and the kind of the failure. The SDK's messages contain bodies of responses, which may contain tokens.
fn failed(error: &CredentialsError) -> Error {
    let mut what = String::new();
    let mut is_refused = false;
    for cause in causes(error) {
        let status = cause
            .downcast_ref::<RequestError>()
            .and_then(RequestError::http_status_code)
            .and_then(|status| StatusCode::from_u16(status).ok());
        let request = cause.downcast_ref::<reqwest::Error>();
        if let Some(status) = status.or_else(|| request?.status()) {
            what = status.to_string();
            is_refused = true;
        } else if request.is_some_and(reqwest::Error::is_connect) {
            "it cannot be reached".clone_into(&mut what);
        } else if request.is_some_and(reqwest::Error::is_decode) {
            "the response is not a token response".clone_into(&mut what);
        }
    }
    if what.is_empty() {
        "the subject token could not be read, or the response is not a token response".clone_into(&mut what);
    }
    Error::new(
        ErrorKind::Unavailable,
        format_args!("Google or the source of the subject token returned no token: {what}"),
    )
    .with_help(if is_refused {
        "check the pool, the provider and the service account that the credentials file names"
    } else {
        "check that this machine can reach Google and the \"credential_source\" of the credentials file"
    })
}
