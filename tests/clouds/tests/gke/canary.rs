//! No secret of Google in anything that is shown.

use std::path::Path;

use serde_json::json;

use crate::native;
use crate::scene::{
    KEY, METADATA, WELL_KNOWN, chain, external, machine, options, ran_apart, service_account, user, write,
};
use crate::shown_output::{Shown, disguises, disguises_of_key};
use crate::stand_in::{Answer, StandIn};

const SECRET: &str = "Kq7secre-canary-in-a-client-secret";
const REFRESH: &str = "Lw8refre-canary-in-a-refresh-token";
const ANSWER: &str = "Mx9answe-canary-in-an-answer-of-google";
const SUBJECT: &str = "Ny4subje-canary-in-a-subject-token";

/// Builds, resolves, fetches and shows all of it.
async fn run(what: &str, home: &Path, google: &StandIn, options: kubex::Options) {
    let shown = Shown::default();
    let guard = shown.listen();
    shown
        .all_of(
            what,
            chain(machine(home, &[("GCE_METADATA_HOST", &google.host)]), options),
        )
        .await;
    drop(guard);
    for marker in [SECRET, REFRESH, ANSWER, SUBJECT] {
        shown.assert_hides(&format!("{what}: {marker}"), &disguises(marker));
    }
    shown.assert_hides(
        &format!("{what}: the key"),
        &disguises_of_key(&KEY.serialize_pem()),
    );
}

#[tokio::test]
async fn gke_shows_no_secret_of_google() {
    if ran_apart("canary::gke_shows_no_secret_of_google") {
        return;
    }
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    write(home.path(), "subject", SUBJECT);
    let mut login = user(&google);
    login["client_secret"] = SECRET.into();
    login["refresh_token"] = REFRESH.into();
    let mut federated = external(&google, &json!({"file": home.path().join("subject")}));
    federated["client_id"] = "c".into();
    federated["client_secret"] = SECRET.into();
    let impersonation = "/v1/projects/-/serviceAccounts/t@p.iam.gserviceaccount.com:generateAccessToken";
    let impersonated = json!({
        "type": "impersonated_service_account",
        "service_account_impersonation_url": google.url(impersonation),
        "source_credentials": login,
    });
    let mut from_an_address = external(
        &google,
        &json!({"url": google.url("/subject"), "headers": {"x-token": SECRET}, "format": {"type": "json", "subject_token_field_name": "t"}}),
    );
    from_an_address["client_secret"] = SECRET.into();
    let mut workforce = login.clone();
    workforce["type"] = "external_account_authorized_user".into();
    workforce["audience"] = "a".into();
    workforce["token_url"] = google.url("/token").into();
    google.answer("/subject", Answer::Says(200, format!(r#"{{"x": "{SUBJECT}"}}"#)));
    let refusal = |quoted: &str| {
        format!(r#"{{"error":"invalid_grant","error_description":"not with token={ANSWER}{quoted}"}}"#)
    };
    // A server may quote the secrets of a request.
    let quoting = refusal(&format!(" nor {REFRESH} {SECRET}"));
    let issued = format!(
        r#"{{"access_token":"{ANSWER}","accessToken":"{ANSWER}","expires_in":3599,"token_type":"Bearer","issued_token_type":"x","expireTime":"2099-01-01T00:00:00Z"}}"#
    );
    for (what, answer) in [
        ("refused", Answer::Says(400, refusal(""))),
        ("refused with a token", Answer::Says(403, issued.clone())),
        ("not JSON", Answer::Says(200, ANSWER.to_owned())),
        (
            "of another type",
            Answer::Says(200, format!(r#"{{"access_token": ["{ANSWER}"]}}"#)),
        ),
        (
            "not a header",
            Answer::Says(200, format!(r#"{{"access_token": "a\n{ANSWER}"}}"#)),
        ),
        (
            "redirected",
            Answer::Redirects(format!("http://127.0.0.1:1/?{ANSWER}")),
        ),
        ("of another server", Answer::IsAnother(issued.clone())),
        ("issued", Answer::Says(200, issued)),
    ] {
        for path in ["/token", "/sts", METADATA, impersonation] {
            google.answer(path, answer.clone());
        }
        for document in [
            Some(login.clone()),
            Some(service_account(&google)),
            Some(federated.clone()),
            Some(impersonated.clone()),
            Some(from_an_address.clone()),
            Some(workforce.clone()),
            None,
        ] {
            match &document {
                Some(document) => drop(write(home.path(), WELL_KNOWN, &document.to_string())),
                None => std::fs::remove_file(home.path().join(WELL_KNOWN)).unwrap(),
            }
            run(what, home.path(), &google, options()).await;
        }
    }
    google.answer("/token", Answer::Says(400, quoting));
    for document in [&login, &impersonated, &workforce] {
        write(home.path(), WELL_KNOWN, &document.to_string());
        run("refused with its secrets", home.path(), &google, options()).await;
    }
    for content in [
        format!(r#"{{"type": "authorized_user", "refresh_token": ["{REFRESH}"]}}"#),
        format!(r#"{{"type": "authorized_user", "refresh_token": "{REFRESH}", "client_secret": "{SECRET}""#),
        format!(r#"{{"type": "{}", "refresh_token": 1}}"#, "t".repeat(99)),
        format!(r#"{{"type": "service_account", "client_email": "e", "private_key": "{SECRET}"}}"#),
        federated
            .to_string()
            .replace("http://", &format!("http://u:{SECRET}@x/")),
        SECRET.to_owned(),
    ] {
        write(home.path(), WELL_KNOWN, &content);
        run("a login", home.path(), &google, options()).await;
    }
    for options in [
        options().set("credentials", login.to_string()),
        options().set("scopes", vec![format!("{SECRET} x")]),
    ] {
        run("a secret as an option", home.path(), &google, options).await;
    }
}

#[tokio::test]
async fn a_call_that_is_served_natively_shows_no_secret_and_neither_does_the_reason_why_it_is_not() {
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    native::install(home.path());
    google.token(METADATA, ANSWER);
    let flag = "--use_application_default_credentials";
    for exec in [
        native::args(flag),
        native::args(&format!("{flag}={SECRET}")),
        native::args(&format!("{flag}, {SECRET}")),
        native::args(&format!("{flag}, --token, {SECRET}")),
        native::args(&format!("{flag}, --token={SECRET}")),
        format!("{}\nenv: [{{name: OTHER, value: {SECRET}}}]", native::args(flag)),
    ] {
        let shown = Shown::default();
        let guard = shown.listen();
        shown.add("what follows is everything that is shown\n");
        let rules = kubex::host::PluginRules::new().native(["gke-gcloud-auth-plugin"]);
        let host = machine(home.path(), &[("GCE_METADATA_HOST", &google.host)]).with_plugin_rules(rules);
        let configuration = native::resolve(home.path(), &exec, host).await.unwrap();
        shown.debug(&configuration);
        shown.add(format!("{}\n", configuration.report()));
        for warning in configuration.warnings() {
            shown.add(format!("{warning}\n"));
        }
        match configuration.credentials().current().await {
            Ok(credential) => shown.debug(&credential),
            Err(error) => shown.error(&error),
        }
        shown.add(configuration.credentials().describe());
        drop(guard);
        for marker in [SECRET, ANSWER] {
            shown.assert_hides(&exec.replace(marker, ""), &disguises(marker));
        }
    }
}
