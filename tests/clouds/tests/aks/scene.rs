//! A machine without Azure: no variable of this process counts, and the home directory is the test's own.

use std::path::Path;

use http::StatusCode;
use kubex::{Chain, ClientConfiguration, Credential, ExposeSecret as _, Host, Options, Result};
// Its registration is submitted when it is linked, as that of any plugin crate.
use kubex_aks as _;
use kubex_tests::issuer::{Issuer, IssuerAnswer};
use serde_json::json;

use crate::shared;
pub(crate) use crate::shared::write;

pub(crate) const TENANT: &str = "11111111-2222-3333-4444-555555555555";
pub(crate) const CLIENT: &str = "66666666-7777-8888-9999-000000000000";
pub(crate) const AKS: &str = "6dae42f8-4368-4678-94ff-3960e28e3630";

/// The path at which Microsoft Entra issues the tokens of the tenant.
pub(crate) const TOKEN_PATH: &str = "/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token";

/// The variables of this process that kubelogin reads. In a test, each is set by the test or not at all.
pub(crate) fn foreign_variables() -> Vec<String> {
    shared::variables(&[
        "AZURE_",
        "AAD_",
        "ACTIONS_ID_TOKEN_",
        "IDENTITY_",
        "IMDS_",
        "MSI_",
    ])
}

/// The real host with these variables of Azure and no others.
pub(crate) fn machine(home: &Path, variables: &[(&str, &str)]) -> Host {
    shared::machine(home, &foreign_variables(), variables)
}

pub(crate) fn options(login: &str) -> Options {
    Options::new()
        .set("server", "https://127.0.0.1:1")
        .set("login", login)
}

/// The options of an application, at this Microsoft Entra.
pub(crate) fn application(login: &str, entra: &Issuer) -> Options {
    options(login)
        .set("tenant-id", TENANT)
        .set("client-id", CLIENT)
        .set("authority-host", entra.origin())
        .set("issuer-certificate-authority-data", entra.ca_pem())
}

pub(crate) fn chain(host: Host, options: Options) -> Result<Chain> {
    shared::chain("aks", host, options)
}

pub(crate) async fn resolve(host: Host, options: Options) -> Result<ClientConfiguration> {
    chain(host, options)?.resolve().await
}

pub(crate) async fn credential(host: Host, options: Options) -> Result<std::sync::Arc<Credential>> {
    resolve(host, options).await?.credentials().current().await
}

pub(crate) async fn token(host: Host, options: Options) -> Result<String> {
    let credential = credential(host, options).await?;
    Ok(credential.token().unwrap().expose_secret().to_owned())
}

/// The answer of Microsoft Entra with this token.
pub(crate) fn issued(token: &str, lifetime: i64) -> IssuerAnswer {
    IssuerAnswer::Json(
        StatusCode::OK,
        json!({"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token}),
    )
}

/// The refusal of Microsoft Entra with this code.
pub(crate) fn refused(status: StatusCode, code: i32, description: &str) -> IssuerAnswer {
    IssuerAnswer::Json(
        status,
        json!({
            "error": "invalid_client",
            "error_description": format!("AADSTS{code}: {description}"),
            "error_codes": [code],
            "timestamp": "2026-01-01 00:00:00Z",
            "trace_id": "t",
            "correlation_id": "c",
        }),
    )
}
