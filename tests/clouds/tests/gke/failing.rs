//! What is missing or wrong is an error with its place and one thing to do; an identity is never replaced by another one.

use std::time::Duration;

use kubex::{Chain, Error, ErrorKind, Source};
use kubex_core::host::SimulatedHost;
use kubex_tests::machine::patience;
use serde_json::{Value, json};

use crate::scene::{
    METADATA, WELL_KNOWN, credential, external, machine, options, ran_apart, resolve, service_account, user,
    write,
};
use crate::stand_in::{Answer, StandIn};

/// Resolves with this file of the login, on a machine that has a metadata server too.
async fn resolving(google: &StandIn, login: &str) -> Error {
    let home = tempfile::tempdir().unwrap();
    google.token(METADATA, "ya29.machine");
    write(home.path(), WELL_KNOWN, login);
    let host = machine(home.path(), &[("GCE_METADATA_HOST", &google.host)]);
    resolve(host, options()).await.unwrap_err()
}

#[tokio::test]
async fn a_credentials_file_that_cannot_be_used_is_an_error_of_resolving_and_never_the_machine() {
    let google = StandIn::start();
    let with = |mut document: Value, field: &str, value: Value| {
        document[field] = value;
        document.to_string()
    };
    let mut from_a_program = external(&google, &json!({"executable": {"command": "/bin/false"}}));
    from_a_program["service_account_impersonation_url"] = google.url("/i").into();
    let nested = json!({
        "type": "impersonated_service_account",
        "service_account_impersonation_url": google.url("/i"),
        "source_credentials": from_a_program,
    });
    for (login, kind, what) in [
        (String::new(), ErrorKind::MalformedDocument, "is not valid JSON"),
        ("{".to_owned(), ErrorKind::MalformedDocument, "is not valid JSON"),
        (
            "{}".to_owned(),
            ErrorKind::MalformedDocument,
            "lacks a field of its type",
        ),
        (
            r#"{"type": 7}"#.to_owned(),
            ErrorKind::MalformedDocument,
            "lacks a field of its type",
        ),
        (
            r#"{"type": "service_account"}"#.to_owned(),
            ErrorKind::MalformedDocument,
            "lacks a field of its type",
        ),
        (
            r#"{"type": "authorized_user", "client_id": "c"}"#.to_owned(),
            ErrorKind::MalformedDocument,
            "lacks a field of its type",
        ),
        (
            r#"{"type": "gdch_service_account"}"#.to_owned(),
            ErrorKind::Unsupported,
            "the type \"gdch_service_account\"",
        ),
        (
            with(user(&google), "token_uri", json!("http://198.51.100.1/token")),
            ErrorKind::InvalidValue,
            "\"token_uri\" of the credentials file of Google is not an https address",
        ),
        (
            with(service_account(&google), "token_uri", json!("ftp://127.0.0.1")),
            ErrorKind::InvalidValue,
            "\"token_uri\"",
        ),
        (
            with(
                external(&google, &json!({"file": "/x"})),
                "token_url",
                json!("http://198.51.100.1"),
            ),
            ErrorKind::InvalidValue,
            "\"token_url\"",
        ),
        (
            external(&google, &json!({"url": "http://198.51.100.1"})).to_string(),
            ErrorKind::InvalidValue,
            "\"url\"",
        ),
        (
            from_a_program.to_string(),
            ErrorKind::Unsupported,
            "names a program, which this provider does not start",
        ),
        (
            nested.to_string(),
            ErrorKind::Unsupported,
            "names a program, which this provider does not start",
        ),
        (
            external(&google, &json!({"certificate": {}})).to_string(),
            ErrorKind::Unsupported,
            "\"credential_source\"",
        ),
        (
            external(&google, &json!({"file": "/x", "url": google.url("/x")})).to_string(),
            ErrorKind::Unsupported,
            "\"credential_source\"",
        ),
        (
            external(&google, &json!({"environment_id": "aws2"})).to_string(),
            ErrorKind::Unsupported,
            "\"credential_source\"",
        ),
        (
            with(
                external(&google, &json!({"file": "/x"})),
                "service_account_impersonation",
                json!({"token_lifetime_seconds": 600}),
            ),
            ErrorKind::Unsupported,
            "\"token_lifetime_seconds\"",
        ),
    ] {
        let error = resolving(&google, &login).await;
        let problem = error.problems().next().unwrap();
        assert_eq!(problem.kind(), kind, "{login}: {error}");
        assert!(problem.message().contains(what), "{login}: {error}");
        assert!(problem.help().is_some(), "{login}: {error}");
        assert!(error.to_string().contains(WELL_KNOWN), "{login}: {error}");
    }
    assert!(google.seen().is_empty(), "{:?}", google.seen());
}

#[tokio::test]
async fn a_file_that_was_named_and_is_not_there_is_an_error_and_never_another_identity() {
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    google.token("/token", "ya29.user");
    write(home.path(), WELL_KNOWN, &user(&google).to_string());
    let absent = home.path().join("absent").display().to_string();
    let key = "-----BEGIN PRIVATE KEY-----\ns3cret\n-----END PRIVATE KEY-----\n";
    let json = service_account(&google).to_string();
    for (variables, options, kind, origin) in [
        (
            vec![("GOOGLE_APPLICATION_CREDENTIALS", absent.as_str())],
            options(),
            ErrorKind::UnreadableFile,
            "GOOGLE_APPLICATION_CREDENTIALS",
        ),
        (
            vec![("GOOGLE_APPLICATION_CREDENTIALS", key)],
            options(),
            ErrorKind::InvalidValue,
            "GOOGLE_APPLICATION_CREDENTIALS",
        ),
        (
            vec![("GOOGLE_APPLICATION_CREDENTIALS", json.as_str())],
            options(),
            ErrorKind::InvalidValue,
            "GOOGLE_APPLICATION_CREDENTIALS",
        ),
        (
            vec![],
            options().set("credentials", absent.as_str()),
            ErrorKind::UnreadableFile,
            "credentials",
        ),
        (
            vec![],
            options().set("scopes", vec!["a b"]),
            ErrorKind::InvalidValue,
            "scopes",
        ),
    ] {
        let error = resolve(machine(home.path(), &variables), options)
            .await
            .unwrap_err();
        let problem = error.problems().next().unwrap();
        assert_eq!(problem.kind(), kind, "{origin}: {error}");
        let shown = format!("{error:?} {error}");
        assert!(shown.contains(origin), "{shown}");
        assert!(!shown.contains("s3cret") && !shown.contains("BEGIN"), "{shown}");
    }
    assert!(google.seen().is_empty());
}

#[tokio::test]
async fn a_metadata_server_is_near_or_refused() {
    let home = tempfile::tempdir().unwrap();
    for written in [
        "198.51.100.1",
        "metadata.example.com",
        "127.0.0.1/x?",
        "127.0.0.1:x",
        " ",
    ] {
        let host = machine(home.path(), &[("GCE_METADATA_HOST", written)]);
        let error = resolve(host, options()).await.unwrap_err();
        let problem = error.problems().next().unwrap();
        assert_eq!(problem.kind(), ErrorKind::InvalidValue, "{written}: {error}");
        assert!(
            error.to_string().contains("GCE_METADATA_HOST"),
            "{written}: {error}"
        );
    }
}

#[tokio::test]
async fn a_refusal_is_an_error_with_the_reason_of_google() {
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    let refusal = r#"{"error": "invalid_grant", "error_description": "Token has been expired or revoked."}"#;
    google.answer("/token", Answer::Says(400, refusal.to_owned()));
    for document in [user(&google), service_account(&google)] {
        write(home.path(), WELL_KNOWN, &document.to_string());
        let error = credential(machine(home.path(), &[]), options())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        let expected = format!(
            "the token endpoint at http://{} refused a token: invalid_grant: Token has been expired or revoked.: 400 Bad Request",
            google.host
        );
        assert_eq!(error.message(), expected);
        assert!(error.help().is_some(), "{error}");
    }
    std::fs::remove_file(home.path().join(WELL_KNOWN)).unwrap();
    let host = || machine(home.path(), &[("GCE_METADATA_HOST", &google.host)]);
    // A pod without a service account, and a server that is not a metadata server.
    let none = credential(host(), options()).await.unwrap_err();
    assert!(none.message().contains("404 Not Found"), "{none}");
    google.answer(
        METADATA,
        Answer::IsAnother(r#"{"access_token":"x","expires_in":1}"#.to_owned()),
    );
    let another = credential(host(), options()).await.unwrap_err();
    assert_eq!(another.kind(), ErrorKind::Unavailable, "{another}");
    assert!(another.message().contains("is not one"), "{another}");
    google.answer(METADATA, Answer::Redirects(google.url("/elsewhere")));
    let redirected = credential(host(), options()).await.unwrap_err();
    assert_eq!(redirected.kind(), ErrorKind::Unavailable, "{redirected}");
    assert!(google.seen().iter().all(|it| it.path != "/elsewhere"));
    let nowhere = machine(home.path(), &[("GCE_METADATA_HOST", "127.0.0.1:1")]);
    let nowhere = credential(nowhere, options()).await.unwrap_err();
    assert_eq!(nowhere.kind(), ErrorKind::Unavailable, "{nowhere}");
    assert!(
        nowhere
            .help()
            .unwrap()
            .contains("gcloud auth application-default login"),
        "{nowhere}"
    );
}

#[tokio::test]
async fn a_response_is_limited() {
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    write(home.path(), WELL_KNOWN, &user(&google).to_string());
    google.answer("/token", Answer::Says(200, " ".repeat(1024 * 1024 + 1)));
    let error = credential(machine(home.path(), &[]), options())
        .await
        .unwrap_err();
    assert!(error.message().contains("larger than 1 MiB"), "{error}");
    std::fs::remove_file(home.path().join(WELL_KNOWN)).unwrap();
    google.answer(METADATA, Answer::Says(200, " ".repeat(1024 * 1024 + 1)));
    let host = machine(home.path(), &[("GCE_METADATA_HOST", &google.host)]);
    let error = credential(host, options()).await.unwrap_err();
    assert!(error.message().contains("larger than 1 MiB"), "{error}");
    // Something answers, so that a login is not what is missing.
    assert!(!error.help().unwrap().contains("gcloud"), "{error}");
}

#[tokio::test]
async fn an_exchange_that_is_refused_shows_its_status() {
    if ran_apart("failing::an_exchange_that_is_refused_shows_its_status") {
        return;
    }
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    write(home.path(), "subject", "of-a-file");
    let document = external(&google, &json!({"file": home.path().join("subject")}));
    write(home.path(), WELL_KNOWN, &document.to_string());
    let fails = async || {
        credential(machine(home.path(), &[]), options())
            .await
            .unwrap_err()
    };
    for (status, expected) in [(400, "400 Bad Request"), (403, "403 Forbidden")] {
        google.answer(
            "/sts",
            Answer::Says(status, r#"{"error":"invalid_grant"}"#.to_owned()),
        );
        let error = fails().await;
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.message().contains(expected), "{error}");
        assert!(error.help().is_some(), "{error}");
    }
    google.answer("/sts", Answer::Says(200, "not JSON".to_owned()));
    assert!(fails().await.message().contains("not a token response"));
    std::fs::remove_file(home.path().join("subject")).unwrap();
    let error = fails().await;
    assert_eq!(error.kind(), ErrorKind::UnreadableFile, "{error}");
}

#[tokio::test]
async fn what_the_sdk_reads_from_its_process_must_be_the_same_on_the_host() {
    if ran_apart("failing::what_the_sdk_reads_from_its_process_must_be_the_same_on_the_host") {
        return;
    }
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    write(home.path(), "subject", "of-a-file");
    let from_file = json!({"file": home.path().join("subject")});
    let on_aws = json!({
        "environment_id": "aws1",
        "region_url": "http://169.254.169.254/latest/meta-data/placement/availability-zone",
        "regional_cred_verification_url": "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15",
    });
    for (source, name, value) in [
        (&from_file, "HTTPS_PROXY", "http://127.0.0.1:1"),
        (&from_file, "NO_PROXY", "*"),
        (&on_aws, "AWS_ACCESS_KEY_ID", "AKIA"),
        (&on_aws, "AWS_REGION", "eu-central-1"),
    ] {
        write(home.path(), WELL_KNOWN, &external(&google, source).to_string());
        let error = resolve(machine(home.path(), &[(name, value)]), options())
            .await
            .unwrap_err();
        let problem = error.problems().next().unwrap();
        assert_eq!(problem.kind(), ErrorKind::Unsupported, "{name}: {error}");
        let expected = format!("the variable {name} has another value in the environment of the process");
        assert!(problem.message().starts_with(&expected), "{name}: {error}");
        assert!(problem.help().is_some(), "{name}: {error}");
    }
    // The other files of a host are not those that the SDK would read.
    let world = SimulatedHost::new();
    world.set_variable("HOME", "/home/jane");
    let document = external(&google, &json!({"file": "/run/subject"})).to_string();
    world.write(format!("/home/jane/{WELL_KNOWN}"), &document);
    world.write("/run/subject", "of-another-machine");
    let error = resolve(world.host(), options()).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the file of the subject token is another one"),
        "{error}"
    );
    assert!(google.seen().is_empty());
}

/// Fetches on a machine with a simulated clock from a stand-in that does not answer.
async fn fetch_in_vain(world: &SimulatedHost, google: &StandIn) -> Error {
    let chain = Chain::builder(kubex::registry().unwrap())
        .host(world.host())
        .source(Source::new("gke").provider("gke").options(options()))
        .build()
        .unwrap();
    let configuration = chain.resolve().await.unwrap();
    let fetch = tokio::spawn(async move { configuration.credentials().current().await });
    let limit = patience(Duration::from_secs(20));
    let asked = async {
        while google.seen().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(limit, asked).await.unwrap();
    world.advance(Duration::from_secs(31));
    tokio::time::timeout(limit, fetch)
        .await
        .unwrap()
        .unwrap()
        .unwrap_err()
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_a_time_out_after_30_seconds() {
    let google = StandIn::start();
    google.answer(METADATA, Answer::Hangs);
    let world = SimulatedHost::new();
    world.set_variable("GCE_METADATA_HOST", &google.host);
    let error = fetch_in_vain(&world, &google).await;
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
}

#[tokio::test]
async fn an_exchange_that_is_not_answered_is_a_time_out_and_leaves_no_thread() {
    if ran_apart("failing::an_exchange_that_is_not_answered_is_a_time_out_and_leaves_no_thread") {
        return;
    }
    let google = StandIn::start();
    google.answer("/subject", Answer::Hangs);
    let world = SimulatedHost::new();
    world.set_variable("HOME", "/home/jane");
    let document = external(&google, &json!({"url": google.url("/subject")})).to_string();
    world.write(format!("/home/jane/{WELL_KNOWN}"), &document);
    let error = fetch_in_vain(&world, &google).await;
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    #[cfg(target_os = "linux")]
    {
        let limit = patience(Duration::from_secs(5));
        let ended = async {
            while threads().iter().any(|name| name == "kubex-gke") {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(limit, ended)
            .await
            .expect("the thread of the exchange lives on");
    }
}

#[cfg(target_os = "linux")]
fn threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok())
        .map(|name| name.trim().to_owned())
        .collect()
}

/// Another SDK of Google's sends the token without its line end, so that a plugin may work where this would be refused.
#[tokio::test]
async fn a_subject_token_that_would_be_sent_with_its_white_space_is_not_sent() {
    if ran_apart("failing::a_subject_token_that_would_be_sent_with_its_white_space_is_not_sent") {
        return;
    }
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    let subject = home.path().join("subject");
    let text = json!({"file": subject});
    let field = json!({"file": subject, "format": {"type": "json", "subject_token_field_name": "token"}});
    for (source, content, is_accepted) in [
        (&text, &b"token"[..], true),
        (&text, b"token\n", false),
        (&text, b" token", false),
        (&text, b"tok\xffen", false),
        (&field, b"{\"token\": \"t\"}\n", true),
    ] {
        std::fs::write(&subject, content).unwrap();
        write(home.path(), WELL_KNOWN, &external(&google, source).to_string());
        let resolved = resolve(machine(home.path(), &[]), options()).await;
        match resolved {
            Ok(_) => assert!(is_accepted, "{content:?}"),
            Err(error) => {
                assert!(!is_accepted, "{error}");
                assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
                assert!(error.message().contains("white space"), "{error}");
                assert!(error.help().unwrap().contains("printf"), "{error}");
            }
        }
    }
    assert!(google.seen().is_empty());
}
