//! Each kind of application default credentials: what is sent, and what comes of it.

use std::time::Duration;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use kubex_core::host::SimulatedHost;
use rcgen::PublicKeyData as _;
use serde_json::{Value, json};

use crate::scene::{
    KEY, METADATA, SCOPES, WELL_KNOWN, credential, external, machine, minutes_left, options, ran_apart,
    resolve, service_account, text, user, write,
};
use crate::stand_in::{Answer, StandIn};

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// The response of the security token service.
fn federated() -> String {
    json!({
        "access_token": "ya29.federated",
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "Bearer",
        "expires_in": 3599,
    })
    .to_string()
}

#[tokio::test]
async fn a_service_account_exchanges_a_signed_assertion() {
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    google.token("/token", "ya29.service-account");
    write(home.path(), "key.json", &service_account(&google).to_string());
    let file = home.path().join("key.json").display().to_string();
    let host = machine(home.path(), &[("GOOGLE_APPLICATION_CREDENTIALS", &file)]);
    let credential = credential(host, options()).await.unwrap();
    assert_eq!(text(&credential), "ya29.service-account");
    assert_eq!(minutes_left(&credential), Some(60));

    let [request] = &google.seen()[..] else {
        panic!("{:?}", google.seen())
    };
    let form = request.form();
    assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let (signed, signature) = form["assertion"].rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    assert_eq!(
        decoded(header),
        json!({"alg": "RS256", "typ": "JWT", "kid": "key-1"})
    );
    let claims = decoded(claims);
    assert_eq!(claims["iss"], "deployer@p.iam.gserviceaccount.com");
    assert_eq!(claims["scope"], SCOPES);
    assert_eq!(claims["aud"], google.url("/token"));
    assert_eq!(
        claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(),
        3600
    );
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, KEY.der_bytes());
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    key.verify(signed.as_bytes(), &signature).unwrap();
}

#[tokio::test]
async fn a_user_exchanges_the_refresh_token_and_asks_for_scopes_only_if_some_are_set() {
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    google.token("/token", "ya29.user");
    write(home.path(), WELL_KNOWN, &user(&google).to_string());
    let host = || machine(home.path(), &[]);
    let of_the_login = credential(host(), options()).await.unwrap();
    assert_eq!(text(&of_the_login), "ya29.user");
    assert_eq!(minutes_left(&of_the_login), Some(60));
    let scoped = options().set("scopes", vec!["https://www.googleapis.com/auth/cloud-platform"]);
    credential(host(), scoped).await.unwrap();

    let [first, second] = &google.seen()[..] else {
        panic!("{:?}", google.seen())
    };
    let form = first.form();
    assert_eq!(form["grant_type"], "refresh_token");
    assert_eq!(form["refresh_token"], "refresh-token");
    assert_eq!(
        (&*form["client_id"], &*form["client_secret"]),
        ("client-1", "client-secret")
    );
    assert!(!form.contains_key("scope"));
    assert_eq!(
        second.form()["scope"],
        "https://www.googleapis.com/auth/cloud-platform"
    );
}

#[tokio::test]
async fn a_machine_gets_the_token_of_its_service_account() {
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    google.token(METADATA, "ya29.machine");
    // A proxy is not for the metadata server.
    let variables = [
        ("GCE_METADATA_HOST", google.host.as_str()),
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("HTTPS_PROXY", "http://127.0.0.1:1"),
    ];
    let credential = credential(machine(home.path(), &variables), options())
        .await
        .unwrap();
    assert_eq!(text(&credential), "ya29.machine");
    assert_eq!(minutes_left(&credential), Some(60));
    let [request] = &google.seen()[..] else {
        panic!("{:?}", google.seen())
    };
    assert_eq!(request.headers["metadata-flavor"], "Google");
    let expected = "?scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform%2Chttps%3A%2F%2Fwww.googleapis.com%2Fauth%2Fuserinfo.email";
    assert_eq!(request.path, format!("{METADATA}{expected}"));
}

#[tokio::test]
async fn an_external_account_exchanges_the_subject_token_of_a_file_or_of_an_address() {
    if ran_apart("kinds::an_external_account_exchanges_the_subject_token_of_a_file_or_of_an_address") {
        return;
    }
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    google.answer("/sts", Answer::Says(200, federated()));
    google.answer(
        "/subject",
        Answer::Says(200, json!({"id_token": "of-an-address"}).to_string()),
    );
    write(home.path(), "subject", "of-a-file");
    let from_file = json!({"file": home.path().join("subject")});
    let from_address = json!({
        "url": google.url("/subject"),
        "headers": {"x-ci": "1"},
        "format": {"type": "json", "subject_token_field_name": "id_token"},
    });
    for (source, subject) in [(from_file, "of-a-file"), (from_address, "of-an-address")] {
        write(home.path(), WELL_KNOWN, &external(&google, &source).to_string());
        let credential = credential(machine(home.path(), &[]), options()).await.unwrap();
        assert_eq!(text(&credential), "ya29.federated");
        // The SDK does not say when it expires, so it is fetched again.
        assert_eq!(credential.expires_at(), None);
        assert!(credential.revalidate_after().is_some());
        let exchange = google.seen().pop().unwrap();
        assert_eq!(exchange.path, "/sts");
        let form = exchange.form();
        assert_eq!(
            form["grant_type"],
            "urn:ietf:params:oauth:grant-type:token-exchange"
        );
        assert_eq!(form["subject_token"], subject);
        assert_eq!(form["scope"], SCOPES);
    }
}

#[tokio::test]
async fn a_workload_on_aws_exchanges_a_signed_request() {
    if ran_apart("kinds::a_workload_on_aws_exchanges_a_signed_request") {
        return;
    }
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    google.answer("/sts", Answer::Says(200, federated()));
    let role = json!({"AccessKeyId": "ASIAMACHINE", "SecretAccessKey": "s", "Token": "session"});
    for (path, body) in [
        ("/session", "imds"),
        ("/zone", "eu-central-1b"),
        ("/roles", "node"),
        ("/roles/node", &role.to_string()),
    ] {
        google.answer(path, Answer::Says(200, body.to_owned()));
    }
    let source = json!({
        "environment_id": "aws1",
        "imdsv2_session_token_url": google.url("/session"),
        "region_url": google.url("/zone"),
        "url": google.url("/roles"),
        "regional_cred_verification_url":
            "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15",
    });
    write(home.path(), WELL_KNOWN, &external(&google, &source).to_string());
    let credential = credential(machine(home.path(), &[]), options()).await.unwrap();
    assert_eq!(text(&credential), "ya29.federated");
    let subject = &google.seen().pop().unwrap().form()["subject_token"];
    let subject: String = url::form_urlencoded::parse(subject.as_bytes())
        .map(|(text, _)| text)
        .collect();
    let signed: Value = serde_json::from_str(&subject).unwrap();
    assert!(
        signed["url"]
            .as_str()
            .unwrap()
            .starts_with("https://sts.eu-central-1.amazonaws.com/")
    );
    assert!(
        signed["headers"].to_string().contains("Credential=ASIAMACHINE/"),
        "{signed}"
    );
}

#[tokio::test]
async fn a_service_account_is_impersonated_by_an_external_account_and_by_a_user() {
    if ran_apart("kinds::a_service_account_is_impersonated_by_an_external_account_and_by_a_user") {
        return;
    }
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    google.answer("/sts", Answer::Says(200, federated()));
    google.token("/token", "ya29.user");
    let impersonation = "/v1/projects/-/serviceAccounts/target@p.iam.gserviceaccount.com:generateAccessToken";
    let issued = json!({"accessToken": "ya29.impersonated", "expireTime": "2099-01-01T00:00:00Z"});
    google.answer(impersonation, Answer::Says(200, issued.to_string()));
    write(home.path(), "subject", "of-a-file");
    let mut federated = external(&google, &json!({"file": home.path().join("subject")}));
    federated["service_account_impersonation_url"] = google.url(impersonation).into();
    let by_user = json!({
        "type": "impersonated_service_account",
        "service_account_impersonation_url": google.url(impersonation),
        "source_credentials": user(&google),
        "delegates": [],
    });
    for (document, source) in [(federated, "ya29.federated"), (by_user, "ya29.user")] {
        write(home.path(), WELL_KNOWN, &document.to_string());
        let credential = credential(machine(home.path(), &[]), options()).await.unwrap();
        assert_eq!(text(&credential), "ya29.impersonated");
        assert_eq!(minutes_left(&credential), Some(60));
        let request = google.seen().pop().unwrap();
        assert_eq!(request.path, impersonation);
        assert_eq!(request.headers["authorization"], format!("Bearer {source}"));
        assert_eq!(request.json()["lifetime"], "3600s");
        assert_eq!(
            request.json()["scope"],
            json!(SCOPES.split(' ').collect::<Vec<_>>())
        );
    }
}

#[tokio::test]
async fn a_workforce_user_exchanges_the_refresh_token() {
    if ran_apart("kinds::a_workforce_user_exchanges_the_refresh_token") {
        return;
    }
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    google.token("/oauthtoken", "ya29.workforce");
    let document = json!({
        "type": "external_account_authorized_user",
        "audience": "//iam.googleapis.com/locations/global/workforcePools/pool/providers/idp",
        "client_id": "client-1",
        "client_secret": "client-secret",
        "refresh_token": "refresh-token",
        "token_url": google.url("/oauthtoken"),
    });
    write(home.path(), WELL_KNOWN, &document.to_string());
    let credential = credential(machine(home.path(), &[]), options()).await.unwrap();
    assert_eq!(text(&credential), "ya29.workforce");
    assert_eq!(credential.expires_at(), None);
    assert_eq!(google.seen()[0].form()["refresh_token"], "refresh-token");
}

#[tokio::test]
async fn the_option_wins_over_the_variable_and_the_variable_over_the_login() {
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    google.token(METADATA, "ya29.machine");
    for name in ["option", "variable", "login"] {
        google.token(&format!("/{name}"), &format!("ya29.{name}"));
        let mut document = user(&google);
        document["token_uri"] = google.url(&format!("/{name}")).into();
        let file = if name == "login" { WELL_KNOWN } else { name };
        write(home.path(), file, &document.to_string());
    }
    let at = |name: &str| home.path().join(name).display().to_string();
    let variable = at("variable");
    let metadata = ("GCE_METADATA_HOST", google.host.as_str());
    let set = [metadata, ("GOOGLE_APPLICATION_CREDENTIALS", variable.as_str())];
    let by_option = options().set("credentials", at("option"));
    for (variables, options, expected) in [
        (&set[..], by_option, "ya29.option"),
        (&set[..], options(), "ya29.variable"),
        (&set[..1], options(), "ya29.login"),
    ] {
        let credential = credential(machine(home.path(), variables), options)
            .await
            .unwrap();
        assert_eq!(text(&credential), expected);
    }
    std::fs::remove_file(home.path().join(WELL_KNOWN)).unwrap();
    let last = credential(machine(home.path(), &set[..1]), options())
        .await
        .unwrap();
    assert_eq!(text(&last), "ya29.machine");
}

#[tokio::test]
async fn a_token_is_fetched_again_after_it_has_expired_and_after_a_rejection() {
    let google = StandIn::start();
    google.token(METADATA, "first");
    let world = SimulatedHost::new();
    world.set_variable("GCE_METADATA_HOST", &google.host);
    let configuration = resolve(world.host(), options()).await.unwrap();
    let credentials = configuration.credentials();
    assert_eq!(text(&credentials.current().await.unwrap()), "first");
    google.token(METADATA, "second");
    assert_eq!(text(&credentials.current().await.unwrap()), "first");
    world.advance(Duration::from_hours(1));
    let second = credentials.current().await.unwrap();
    assert_eq!(text(&second), "second");
    google.token(METADATA, "third");
    credentials.invalidate(second.generation());
    assert_eq!(text(&credentials.current().await.unwrap()), "third");
    assert_eq!(google.seen().len(), 3);
}

/// Two identities that share a credential in the store would be a user with the token of another one.
#[tokio::test]
async fn the_identity_in_the_store_is_the_file_and_the_subject_or_there_is_none() {
    if ran_apart("kinds::the_identity_in_the_store_is_the_file_and_the_subject_or_there_is_none") {
        return;
    }
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    let identity = async |document: Option<&Value>| {
        match document {
            Some(document) => drop(write(home.path(), WELL_KNOWN, &document.to_string())),
            None => std::fs::remove_file(home.path().join(WELL_KNOWN)).unwrap(),
        }
        let host = machine(home.path(), &[("GCE_METADATA_HOST", &google.host)]);
        let configuration = resolve(host, options()).await.unwrap();
        let identity = configuration.credentials().store_identity().await;
        identity.map(|identity| identity.expose().to_vec())
    };
    let jane = user(&google);
    let mut joe = jane.clone();
    joe["refresh_token"] = "of-joe".into();
    assert!(identity(Some(&jane)).await.is_some());
    assert_eq!(identity(Some(&jane)).await, identity(Some(&jane)).await);
    assert_ne!(identity(Some(&jane)).await, identity(Some(&joe)).await);
    let from_file = external(&google, &json!({"file": home.path().join("subject")}));
    write(home.path(), "subject", "of-one-pod");
    let of_one_pod = identity(Some(&from_file)).await;
    write(home.path(), "subject", "of-another-pod");
    assert!(of_one_pod.is_some());
    assert_ne!(of_one_pod, identity(Some(&from_file)).await);
    for source in [
        json!({"url": google.url("/subject")}),
        json!({"environment_id": "aws1"}),
    ] {
        assert_eq!(identity(Some(&external(&google, &source))).await, None);
    }
    assert_eq!(identity(None).await, None);
}

#[tokio::test]
async fn the_configuration_of_the_readme_is_valid() {
    crate::readme::check_configuration(include_str!("../../../../providers/gke/README.md")).await;
}
