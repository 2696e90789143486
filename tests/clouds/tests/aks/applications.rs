//! The tokens of applications: of a workload identity and with a secret, from a stand-in of Microsoft Entra.

use std::time::{Duration, SystemTime};

use kubex::ExposeSecret as _;
use kubex_tests::issuer::{Issuer, IssuerRequest};

use crate::scene::{
    AKS, CLIENT, TENANT, TOKEN_PATH, application, credential, issued, machine, options, resolve, token, write,
};

fn assert_fields(request: &IssuerRequest, fields: &[(&str, &str)]) {
    for (name, value) in fields {
        assert_eq!(request.field(name), Some(*value), "{name}");
    }
    assert_eq!(request.form.len(), fields.len(), "{:?}", request.form);
}

#[tokio::test]
async fn a_workload_identity_exchanges_the_token_in_its_file() {
    let home = tempfile::tempdir().unwrap();
    let entra = Issuer::start().await.unwrap();
    entra.answer(TOKEN_PATH, issued("of-the-pod", 3600));
    let file = write(home.path(), "token", "header.claims.signature\n");
    let options = application("workloadidentity", &entra).set("federated-token-file", file);
    let configuration = resolve(machine(home.path(), &[]), options).await.unwrap();
    // Resolving asked nothing.
    assert!(entra.requests().is_empty());

    let before = SystemTime::now();
    let credential = configuration.credentials().current().await.unwrap();
    assert_eq!(credential.token().unwrap().expose_secret(), "of-the-pod");
    let expiry = credential.expires_at().unwrap();
    let hour = Duration::from_hours(1);
    assert!(expiry >= before + hour && expiry <= SystemTime::now() + hour);

    let requests = entra.requests();
    assert_eq!(requests.len(), 1);
    assert_fields(
        &requests[0],
        &[
            ("client_assertion", "header.claims.signature"),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            ("client_id", CLIENT),
            ("grant_type", "client_credentials"),
            ("scope", &format!("{AKS}/.default")),
        ],
    );
}

#[tokio::test]
async fn the_variables_of_a_pod_with_a_workload_identity_are_enough() {
    let home = tempfile::tempdir().unwrap();
    let entra = Issuer::start().await.unwrap();
    entra.answer(TOKEN_PATH, issued("of-the-pod", 3600));
    let file = write(home.path(), "token", "assertion");
    let authority = format!("{}/", entra.origin());
    let variables = [
        ("AZURE_CLIENT_ID", CLIENT),
        ("AZURE_TENANT_ID", TENANT),
        ("AZURE_FEDERATED_TOKEN_FILE", &file),
        ("AZURE_AUTHORITY_HOST", &authority),
    ];
    let options = options("workloadidentity").set("issuer-certificate-authority-data", entra.ca_pem());
    let token = token(machine(home.path(), &variables), options).await.unwrap();
    assert_eq!(token, "of-the-pod");
    assert_eq!(entra.requests()[0].field("client_id"), Some(CLIENT));
}

#[tokio::test]
async fn a_token_file_that_kubernetes_has_renewed_is_read_for_the_next_token() {
    let home = tempfile::tempdir().unwrap();
    let entra = Issuer::start().await.unwrap();
    entra.answer(TOKEN_PATH, issued("first", 3600));
    let file = write(home.path(), "token", "old");
    let options = application("workloadidentity", &entra).set("federated-token-file", file);
    let configuration = resolve(machine(home.path(), &[]), options).await.unwrap();
    let credentials = configuration.credentials();
    let first = credentials.current().await.unwrap();
    write(home.path(), "token", "new");
    entra.answer(TOKEN_PATH, issued("second", 3600));
    credentials.invalidate(first.generation());
    let second = credentials.current().await.unwrap();
    assert_eq!(second.token().unwrap().expose_secret(), "second");
    let assertions: Vec<_> = entra
        .requests()
        .iter()
        .map(|request| request.field("client_assertion").unwrap().to_owned())
        .collect();
    assert_eq!(assertions, ["old", "new"]);
}

#[tokio::test]
async fn an_application_logs_in_with_its_secret() {
    let home = tempfile::tempdir().unwrap();
    let entra = Issuer::start().await.unwrap();
    entra.answer(TOKEN_PATH, issued("of-the-application", 600));
    let with_option = application("spn", &entra).set("client-secret", "a&b=c +/");
    let credential = credential(machine(home.path(), &[]), with_option).await.unwrap();
    assert_eq!(credential.token().unwrap().expose_secret(), "of-the-application");
    assert!(credential.expires_at().unwrap() <= SystemTime::now() + Duration::from_mins(10));
    assert_fields(
        &entra.requests()[0],
        &[
            ("client_id", CLIENT),
            ("client_secret", "a&b=c +/"),
            ("grant_type", "client_credentials"),
            ("scope", &format!("{AKS}/.default")),
        ],
    );
}

#[tokio::test]
async fn an_option_wins_over_a_variable_and_the_variables_of_azure_over_those_of_kubelogin() {
    let home = tempfile::tempdir().unwrap();
    let entra = Issuer::start().await.unwrap();
    entra.answer(TOKEN_PATH, issued("t", 600));
    let variables = [
        ("AZURE_CLIENT_ID", "another-client"),
        ("AZURE_TENANT_ID", "another-tenant"),
        ("AZURE_AUTHORITY_HOST", "https://127.0.0.1:1/"),
        ("AZURE_CLIENT_SECRET", "of-azure"),
        ("AAD_SERVICE_PRINCIPAL_CLIENT_SECRET", "of-kubelogin"),
        ("AAD_LOGIN_METHOD", "devicecode"),
    ];
    let host = || machine(home.path(), &variables);
    let option = application("spn", &entra).set("client-secret", "of-the-option");
    token(host(), option).await.unwrap();
    token(host(), application("spn", &entra)).await.unwrap();
    let requests = entra.requests();
    assert_eq!(requests[0].field("client_id"), Some(CLIENT));
    assert_eq!(requests[0].field("client_secret"), Some("of-the-option"));
    assert_eq!(requests[1].field("client_secret"), Some("of-azure"));
}

#[tokio::test]
async fn the_server_id_of_another_cluster_is_what_the_token_is_for() {
    let home = tempfile::tempdir().unwrap();
    let entra = Issuer::start().await.unwrap();
    entra.answer(TOKEN_PATH, issued("t", 600));
    let options = application("spn", &entra)
        .set("client-secret", "s")
        .set("server-id", "api://mine/");
    token(machine(home.path(), &[]), options).await.unwrap();
    assert_eq!(entra.requests()[0].field("scope"), Some("api://mine/.default"));
}

#[tokio::test]
async fn equal_sources_share_one_token_and_another_secret_has_its_own() {
    let home = tempfile::tempdir().unwrap();
    let entra = Issuer::start().await.unwrap();
    entra.answer(TOKEN_PATH, issued("t", 3600));
    let options = |secret: &str| application("spn", &entra).set("client-secret", secret);
    let host = || machine(home.path(), &[]);
    let one = resolve(host(), options("s")).await.unwrap();
    let equal = resolve(host(), options("s")).await.unwrap();
    let other = resolve(host(), options("other")).await.unwrap();
    for configuration in [&one, &equal, &other] {
        configuration.credentials().current().await.unwrap();
    }
    assert_eq!(entra.requests().len(), 2);
}
