//! Beside the real gke-gcloud-auth-plugin: the same requests, except for the time, and the same answer.
//!
//! It runs where the plugin is installed, and prints that it did not run where it is not.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use kubex::configure_from_kubeconfig;
use kubex::host::PluginRules;
use kubex_tests::machine::{has_tool, patience};
use serde_json::{Value, json};

use crate::command::kubex;
use crate::native;
use crate::scene::{
    METADATA, credential, external, machine, options, ran_apart, service_account, text, user, write,
};
use crate::stand_in::{Answer, Received, StandIn};

const PLUGIN: &str = "gke-gcloud-auth-plugin";

/// The fields of an exchange that only one of the two libraries sends. They do not choose the identity.
const ADDED_BY_ONE: [&str; 1] = ["requested_token_type"];

const FLAG: &str = "--use_application_default_credentials";

fn is_installed() -> bool {
    has_tool(
        &[PLUGIN, "--version"],
        "the plugin gke-gcloud-auth-plugin beside the provider gke",
    )
}

/// What the plugin prints, in an environment with these variables and no others.
fn plugin(home: &Path, variables: &[(&str, &str)]) -> Value {
    let output = Command::new(PLUGIN)
        .arg(FLAG)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A request without what the time or the HTTP client decides.
fn comparable(request: &Received) -> Value {
    let mut form = json!(request.form());
    if let Some(assertion) = form["assertion"].as_str() {
        let mut parts = assertion.split('.').take(2).map(|part| {
            let part = BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
            serde_json::from_slice::<Value>(&part).unwrap()
        });
        let (header, mut claims) = (parts.next().unwrap(), parts.next().unwrap());
        let lifetime = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
        claims["exp"] = lifetime.into();
        claims["iat"] = Value::Null;
        form["assertion"] = json!([header, claims]);
    }
    let body = match serde_json::from_str::<Value>(&request.body) {
        Ok(body) => body,
        Err(_) => form,
    };
    json!([
        request.method,
        request.path,
        body,
        request.headers.get("authorization")
    ])
}

/// The identities that both can have, and the paths whose requests are compared.
fn identities(google: &StandIn, home: &Path) -> Vec<(&'static str, Option<Value>)> {
    google.token("/token", "ya29.issued");
    google.token(METADATA, "ya29.machine");
    let exchanged = json!({
        "access_token": "ya29.federated",
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "Bearer",
        "expires_in": 3599,
    });
    google.answer("/sts", Answer::Says(200, exchanged.to_string()));
    write(home, "subject", "of-a-file");
    vec![
        ("service account", Some(service_account(google))),
        ("user", Some(user(google))),
        ("machine", None),
        (
            "external account",
            Some(external(google, &json!({"file": home.join("subject")}))),
        ),
    ]
}

/// One request, and the same but for a field that the other library adds.
fn assert_same_exchange(of_the_plugin: &[Value], of_kubex: &[Value]) {
    let ([of_the_plugin], [of_kubex]) = (of_the_plugin, of_kubex) else {
        panic!("{of_the_plugin:?} {of_kubex:?}");
    };
    let without_added = |request: &Value| {
        let mut request = request.clone();
        for added in ADDED_BY_ONE {
            request[2].as_object_mut().unwrap().remove(added);
        }
        request
    };
    assert_eq!(without_added(of_the_plugin), without_added(of_kubex));
}

#[tokio::test]
async fn the_requests_and_the_token_are_those_of_the_plugin() {
    if !is_installed() || ran_apart("compare::the_requests_and_the_token_are_those_of_the_plugin") {
        return;
    }
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    for (what, document) in identities(&google, home.path()) {
        let file = home.path().join("credentials.json").display().to_string();
        let variables = match &document {
            Some(document) => {
                write(home.path(), "credentials.json", &document.to_string());
                [("GOOGLE_APPLICATION_CREDENTIALS", file.as_str())]
            }
            None => [("GCE_METADATA_HOST", google.host.as_str())],
        };
        let from = google.seen().len();
        let printed = plugin(home.path(), &variables);
        let between = google.seen().len();
        let native = credential(machine(home.path(), &variables), options())
            .await
            .unwrap();
        assert_eq!(printed["status"]["token"], text(&native), "{what}");
        // The plugin first asks whether this is a machine of Google's.
        let is_compared = |request: &&Received| !request.path.contains("/project/project-id");
        let seen = google.seen();
        let of = |requests: &[Received]| -> Vec<Value> {
            let requests = requests.iter().filter(is_compared);
            requests.map(comparable).collect()
        };
        let (of_the_plugin, of_kubex) = (of(&seen[from..between]), of(&seen[between..]));
        println!("{what}: {of_kubex:?}");
        if what == "external account" {
            assert_same_exchange(&of_the_plugin, &of_kubex);
            // Google's SDK for Rust does not say when it expires.
            assert_eq!(native.expires_at(), None, "{what}");
            continue;
        }
        assert_eq!(of_the_plugin, of_kubex, "{what}");
        let expiry = printed["status"]["expirationTimestamp"].as_str().unwrap();
        let expiry: jiff::Timestamp = expiry.parse().unwrap();
        let expiry = std::time::UNIX_EPOCH + Duration::from_secs(expiry.as_second().unsigned_abs());
        let native = native.expires_at().unwrap();
        let apart = native
            .duration_since(expiry)
            .unwrap_or_else(|before| before.duration());
        assert!(apart < Duration::from_mins(1), "{what}: {apart:?}");
    }
}

#[tokio::test]
async fn the_login_of_gcloud_stays_the_identity_of_a_call_without_the_argument() {
    if !is_installed() {
        return;
    }
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    google.token(METADATA, "ya29.machine");
    write(home.path(), "token", "of-gcloud");
    let file = home.path().join("token").display().to_string();
    let variables = [
        ("GCE_METADATA_HOST", google.host.as_str()),
        ("CLOUDSDK_AUTH_ACCESS_TOKEN_FILE", &file),
    ];
    write(
        home.path(),
        "kubeconfig",
        &native::kubeconfig(&format!("command: {PLUGIN}")),
    );
    let rules = PluginRules::new()
        .native([PLUGIN])
        .deadline(patience(Duration::from_secs(30)));
    let configuration = configure_from_kubeconfig()
        .host(machine(home.path(), &variables).with_plugin_rules(rules))
        .path(home.path().join("kubeconfig"))
        .await
        .unwrap();
    let warnings = configuration.warnings();
    let said = warnings
        .iter()
        .any(|it| it.message().contains("which uses the login of gcloud"));
    assert!(said, "{warnings:?}");
    let credential = configuration.credentials().current().await.unwrap();
    assert_eq!(text(&credential), "of-gcloud");
    assert!(google.seen().is_empty());
}

#[test]
fn the_time_of_a_token_of_a_new_process() {
    if !is_installed() || ran_apart("compare::the_time_of_a_token_of_a_new_process") {
        return;
    }
    let google = StandIn::start();
    google.token(METADATA, "ya29.machine");
    let time = |run: &dyn Fn()| {
        let mut times: Vec<_> = (0..5)
            .map(|_| {
                let begun = Instant::now();
                run();
                begun.elapsed()
            })
            .collect();
        times.sort();
        times[2]
    };
    let variables = [("GCE_METADATA_HOST", google.host.as_str())];
    let of_the_plugin = time(&|| drop(plugin(Path::new("/nonexistent"), &variables)));
    let of_kubex = time(&|| {
        let home = tempfile::tempdir().unwrap();
        write(
            home.path(),
            "kubex.yaml",
            "exec: {native: [gke-gcloud-auth-plugin]}\n",
        );
        let output = kubex(
            home.path(),
            "/nonexistent",
            &google,
            &["exec", "--", PLUGIN, FLAG],
        );
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    });
    let build = if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    };
    println!("a token of the machine: plugin {of_the_plugin:?}, kubex exec ({build} build) {of_kubex:?}");
}
