//! What is refused while a chain resolves, and what Microsoft Entra refuses.

use std::time::{Duration, Instant};

use http::StatusCode;
use kubex::{ErrorKind, Options};
use kubex_tests::issuer::{Issuer, IssuerAnswer};
use serde_json::json;

use crate::scene::{
    TOKEN_PATH, application, chain, credential, issued, machine, options, refused, resolve, write,
};

/// The message, the options, the variables and the kind of the error.
type Case = (
    &'static str,
    Options,
    &'static [(&'static str, &'static str)],
    ErrorKind,
);

/// Everything that can be wrong before anything is asked.
#[tokio::test]
async fn what_is_missing_or_wrong_is_an_error_of_resolving() {
    let home = tempfile::tempdir().unwrap();
    let empty = write(home.path(), "empty", "\n");
    let lines = write(home.path(), "lines", "one\ntwo\n");
    let token = write(home.path(), "token", "assertion");
    let spn = || {
        options("spn")
            .set("tenant-id", "t")
            .set("client-id", "c")
            .set("client-secret", "s")
    };
    let workload = || {
        options("workloadidentity")
            .set("tenant-id", "t")
            .set("client-id", "c")
    };
    let cases: Vec<Case> = vec![
        ("\"login\" is empty", options(""), &[], ErrorKind::MissingField),
        (
            "\"azd\" needs the Azure Developer CLI",
            options("azd"),
            &[],
            ErrorKind::Unsupported,
        ),
        (
            "\"devicecode\" needs a person to log in",
            options("devicecode"),
            &[],
            ErrorKind::Unsupported,
        ),
        (
            "\"msii\" is not a login",
            options("msii"),
            &[],
            ErrorKind::InvalidValue,
        ),
        (
            "\"tenant-id\" is not set",
            options("spn").set("client-secret", "s"),
            &[],
            ErrorKind::MissingField,
        ),
        (
            "\"client-secret\" is not set",
            spn().set("client-secret", ""),
            &[],
            ErrorKind::MissingField,
        ),
        (
            "\"client-id\" is not set",
            options("spn").set("client-secret", "s").set("tenant-id", "t"),
            &[],
            ErrorKind::MissingField,
        ),
        (
            "\"federated-token-file\" is not set",
            workload(),
            &[],
            ErrorKind::MissingField,
        ),
        (
            "a character that is not allowed in an id",
            spn().set("tenant-id", "a/b"),
            &[],
            ErrorKind::InvalidValue,
        ),
        (
            "a character that is not allowed in an id",
            spn().set("server-id", "a b"),
            &[],
            ErrorKind::InvalidValue,
        ),
        (
            "a character that is not allowed in an id",
            options("spn").set("client-secret", "s").set("client-id", "c"),
            &[("AZURE_TENANT_ID", "a?b")],
            ErrorKind::InvalidValue,
        ),
        (
            "not the name of an Azure cloud",
            spn().set("environment", "AzureGermanCloud"),
            &[],
            ErrorKind::InvalidValue,
        ),
        (
            "not the https address of a host",
            spn().set("authority-host", "http://127.0.0.1"),
            &[],
            ErrorKind::InvalidValue,
        ),
        (
            "not the https address of a host",
            spn(),
            &[("AZURE_AUTHORITY_HOST", "http://127.0.0.1/")],
            ErrorKind::InvalidValue,
        ),
        (
            "which the login \"msi\" does not use",
            options("msi").set("client-secret", "s"),
            &[],
            ErrorKind::ConflictingFields,
        ),
        (
            "which the login \"spn\" does not use",
            spn().set("federated-token-file", "/t"),
            &[],
            ErrorKind::ConflictingFields,
        ),
        (
            "which the login \"spn\" does not use",
            spn().set("identity-resource-id", "/r").set("client-id", ""),
            &[],
            ErrorKind::ConflictingFields,
        ),
        (
            "only one can apply",
            options("msi")
                .set("client-id", "c")
                .set("identity-resource-id", "/r"),
            &[],
            ErrorKind::ConflictingFields,
        ),
        (
            "the federated token",
            workload().set("federated-token-file", "/nonexistent/token"),
            &[],
            ErrorKind::UnreadableFile,
        ),
        (
            "does not contain a token",
            workload().set("federated-token-file", empty),
            &[],
            ErrorKind::InvalidToken,
        ),
        (
            "does not contain a token",
            workload().set("federated-token-file", lines),
            &[],
            ErrorKind::InvalidToken,
        ),
        (
            "names a token proxy",
            workload().set("federated-token-file", token),
            &[("AZURE_KUBERNETES_TOKEN_PROXY", "https://127.0.0.1")],
            ErrorKind::Unsupported,
        ),
        (
            "neither an https address nor a local one",
            options("msi"),
            &[("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://10.0.0.1")],
            ErrorKind::InvalidValue,
        ),
        (
            "has another value in the environment of the process",
            options("msi"),
            &[("IDENTITY_ENDPOINT", "http://127.0.0.1:1")],
            ErrorKind::Unsupported,
        ),
        (
            "has another value in the environment of the process",
            options("msi"),
            &[("MSI_ENDPOINT", "http://127.0.0.1:1")],
            ErrorKind::Unsupported,
        ),
    ];
    for (message, options, variables, kind) in cases {
        let error = match chain(machine(home.path(), variables), options) {
            Err(error) => error,
            Ok(chain) => chain.resolve().await.expect_err(message),
        };
        let problem = error.problems().next().unwrap();
        assert_eq!(problem.kind(), kind, "{message}: {error}");
        assert!(problem.message().contains(message), "{message}: {error}");
        assert!(problem.help().is_some(), "{message}: {error}");
        assert!(problem.origin().is_some(), "{message}: {error}");
    }
}

#[tokio::test]
async fn a_refusal_names_the_error_code_and_one_thing_to_do() {
    let home = tempfile::tempdir().unwrap();
    let entra = Issuer::start().await.unwrap();
    for (status, code, help) in [
        (StatusCode::UNAUTHORIZED, 7_000_215, "client secret"),
        (StatusCode::UNAUTHORIZED, 7_000_222, "has expired"),
        (
            StatusCode::BAD_REQUEST,
            700_016,
            "\"client-id\" and \"tenant-id\"",
        ),
        (StatusCode::BAD_REQUEST, 90_002, "\"client-id\" and \"tenant-id\""),
        (StatusCode::BAD_REQUEST, 500_011, "\"server-id\""),
        (StatusCode::BAD_REQUEST, 700_213, "federated credential"),
        (StatusCode::BAD_REQUEST, 50_000, "check the identity"),
        (StatusCode::TOO_MANY_REQUESTS, 0, "later"),
    ] {
        entra.answer(TOKEN_PATH, refused(status, code, "not with s3cret-of-the-body"));
        let options = application("spn", &entra).set("client-secret", format!("s-{code}"));
        let error = credential(machine(home.path(), &[]), options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{code}: {error}");
        let expected = format!(
            "Microsoft Entra at {} refused a token: HTTP status {}, AADSTS{code}",
            entra.origin(),
            status.as_u16()
        );
        assert_eq!(error.message(), expected);
        assert!(error.help().unwrap().contains(help), "{code}: {error}");
        assert!(error.origin().is_some(), "{code}: {error}");
        assert!(
            !format!("{error:?} {error}").contains("s3cret"),
            "{code}: {error}"
        );
    }
    // Each was asked once: the SDK tries nothing again.
    assert_eq!(entra.requests().len(), 8);
}

#[tokio::test]
async fn an_answer_that_is_not_a_token_is_an_error_without_its_body() {
    let home = tempfile::tempdir().unwrap();
    let entra = Issuer::start().await.unwrap();
    let ok = |body: serde_json::Value| IssuerAnswer::Json(StatusCode::OK, body);
    let large = "s3cret".repeat(300_000);
    for (answer, kind, message) in [
        (
            IssuerAnswer::Raw(StatusCode::OK, "s3cret".into()),
            ErrorKind::MalformedDocument,
            "not a token",
        ),
        (ok(json!({})), ErrorKind::MalformedDocument, "no token"),
        (
            ok(json!({"access_token": "", "expires_in": 1})),
            ErrorKind::MalformedDocument,
            "no token",
        ),
        (
            ok(json!({"access_token": ["s3cret"]})),
            ErrorKind::MalformedDocument,
            "not a token",
        ),
        (
            ok(json!({"access_token": "t", "expires_in": "s3cret"})),
            ErrorKind::MalformedDocument,
            "not a token",
        ),
        (
            issued("s3cret", i64::MAX),
            ErrorKind::MalformedDocument,
            "impossible lifetime",
        ),
        (
            issued("s3cret", -1),
            ErrorKind::MalformedDocument,
            "impossible lifetime",
        ),
        (
            IssuerAnswer::Raw(StatusCode::OK, large.into()),
            ErrorKind::MalformedDocument,
            "more than 1 MiB",
        ),
        (
            IssuerAnswer::Raw(StatusCode::BAD_GATEWAY, "<html>s3cret".into()),
            ErrorKind::Unavailable,
            "HTTP status 502",
        ),
        (
            IssuerAnswer::Redirect(StatusCode::FOUND, "https://127.0.0.1:1/?s3cret".to_owned()),
            ErrorKind::Unavailable,
            "HTTP status 302",
        ),
        (
            ok(json!({"access_token": "s3cret\n", "expires_in": 1})),
            ErrorKind::InvalidToken,
            "token",
        ),
    ] {
        entra.answer(TOKEN_PATH, answer);
        let options = application("spn", &entra).set("client-secret", "s");
        let error = credential(machine(home.path(), &[]), options).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{message}: {error}");
        assert!(error.message().contains(message), "{message}: {error}");
        assert!(
            !format!("{error:?} {error}").contains("s3cret"),
            "{message}: {error}"
        );
    }
}

#[tokio::test]
async fn a_server_that_is_silent_is_a_time_out_that_names_it() {
    let home = tempfile::tempdir().unwrap();
    let entra = Issuer::start().await.unwrap();
    entra.answer(TOKEN_PATH, IssuerAnswer::Silence);
    // It accepts connections, and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let metadata = format!("http://{}", silent.local_addr().unwrap());
    let host = machine(home.path(), &[("AZURE_POD_IDENTITY_AUTHORITY_HOST", &metadata)]);
    let began = Instant::now();
    let of_entra = credential(host.clone(), application("spn", &entra).set("client-secret", "s"));
    let (of_entra, of_machine) = tokio::join!(of_entra, credential(host, options("msi")));
    for (error, whom) in [
        (of_entra.unwrap_err(), "Microsoft Entra at https://127.0.0.1:"),
        (
            of_machine.unwrap_err(),
            "the managed identity service of this machine",
        ),
    ] {
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
        assert!(error.message().starts_with(whom), "{error}");
        assert!(error.message().contains("did not answer in time"), "{error}");
        assert!(error.help().is_some(), "{error}");
    }
    // The limit of a request is 10 s, and that of a fetch 30 s.
    assert!(began.elapsed() < Duration::from_secs(25));
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_or_is_not_trusted_is_an_error_that_names_it() {
    let home = tempfile::tempdir().unwrap();
    let entra = Issuer::start().await.unwrap();
    let other = Issuer::start().await.unwrap();
    let spn = || application("spn", &entra).set("client-secret", "s");
    let nowhere = spn().set("authority-host", "https://127.0.0.1:1");
    let untrusted = spn().set("issuer-certificate-authority-data", other.ca_pem());
    for options in [nowhere, untrusted] {
        let error = credential(machine(home.path(), &[]), options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(
            error
                .message()
                .starts_with("the request to Microsoft Entra at https://127.0.0.1:"),
            "{error}"
        );
        assert!(error.help().is_some(), "{error}");
    }
    assert!(entra.requests().is_empty());
}

#[tokio::test]
async fn an_invalid_proxy_is_an_error_and_never_a_direct_connection() {
    let home = tempfile::tempdir().unwrap();
    let entra = Issuer::start().await.unwrap();
    let variables = [("HTTPS_PROXY", "http://[s3cret")];
    // The proxy is not for loopback, so this address is not reached either way.
    let options = application("spn", &entra)
        .set("client-secret", "s")
        .set("authority-host", "https://entra.invalid");
    let error = credential(machine(home.path(), &variables), options)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidValue, "{error}");
    assert!(error.to_string().contains("HTTPS_PROXY"), "{error}");
    assert!(!format!("{error:?} {error}").contains("s3cret"), "{error}");
}

#[tokio::test]
async fn a_refused_refresh_keeps_the_token_that_is_still_valid() {
    let home = tempfile::tempdir().unwrap();
    let entra = Issuer::start().await.unwrap();
    entra.answer(TOKEN_PATH, issued("t", 3600));
    let options = application("spn", &entra).set("client-secret", "s");
    let configuration = resolve(machine(home.path(), &[]), options).await.unwrap();
    let first = configuration.credentials().current().await.unwrap();
    entra.answer(
        TOKEN_PATH,
        refused(StatusCode::UNAUTHORIZED, 7_000_222, "expired"),
    );
    let again = configuration.credentials().current().await.unwrap();
    assert_eq!(first.generation(), again.generation());
    assert_eq!(entra.requests().len(), 1);
}

#[tokio::test]
async fn the_configuration_of_the_readme_is_valid() {
    crate::readme::check_configuration(include_str!("../../../../providers/aks/README.md")).await;
}
