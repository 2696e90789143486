//! What a fleet shows of a hub that it watches: objects that are whole, odd or too large, and a hub that refuses and goes away.

use std::time::{Duration, Instant};

use kubex::fleet::{Fleet, Hub, Input};
use kubex_tests::api_server::{ApiServer, User};
use serde_json::{Value, json};

use super::{RENEWED, Shown, TOKEN, disguises};

fn secret(name: &str, rest: &Value) -> Value {
    let mut secret = json!({"kind": "Secret", "metadata": {"namespace": "argocd", "name": name,
        "labels": {"argocd.argoproj.io/secret-type": "cluster"}, "annotations": {"last-applied": RENEWED}}});
    for (key, value) in rest.as_object().unwrap() {
        secret[key.as_str()] = value.clone();
    }
    secret
}

async fn wait_for(fleet: &Fleet, text: &str) {
    let began = Instant::now();
    while !fleet.report().to_string().contains(text) {
        assert!(
            began.elapsed() < Duration::from_secs(120),
            "{text}:\n{}",
            fleet.report()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn show(shown: &Shown, fleet: &Fleet) {
    shown.debug(fleet);
    shown.debug(&fleet.report());
    shown.debug(&fleet.report().to_string());
    for member in fleet.members() {
        shown.debug(&member);
        if let Err(error) = member.configuration() {
            shown.error(error);
        }
    }
    for input in fleet.report().inputs() {
        input.problems.iter().for_each(|problem| shown.error(problem));
    }
}

#[tokio::test]
async fn a_hub_that_is_watched_shows_no_secret() {
    let shown = Shown::default();
    let guard = shown.listen();
    let server = ApiServer::builder().start().await.unwrap();
    server.accept_token(TOKEN, User::new("fleet"));
    server.keep_objects("v1", "Secret", "secrets");
    let config = json!({"bearerToken": RENEWED}).to_string();
    let good = json!({"stringData": {"server": "https://a.example", "config": config}});
    server.put_object(secret("good", &good));
    server.put_object(secret("odd", &json!({"data": RENEWED, "type": [RENEWED]})));
    server.put_object(secret(
        "broken",
        &json!({"stringData": {"server": "https://b.example", "config": RENEWED}}),
    ));
    let large = format!("{RENEWED}{}", "A".repeat(1600 * 1024));
    server.put_object(secret("large", &json!({"data": {"config": large}})));

    let mut deep = json!(RENEWED);
    for _ in 0..200 {
        deep = json!({ RENEWED: deep });
    }
    server.put_object(secret("deep", &json!({"data": deep})));

    let configuration = kubex::configure()
        .url(server.url())
        .server_ca_pem(server.ca_pem())
        .token(TOKEN)
        .await
        .unwrap();
    let hub = Hub::new(kubex::kube::client(&configuration).unwrap()).argo_cd();
    shown.debug(&hub);
    let input = Input::hub("hub", hub);
    shown.debug(&input);
    let fleet = Fleet::builder(kubex::registry().unwrap())
        .input(input)
        .start()
        .await
        .unwrap();
    wait_for(&fleet, "the object is larger").await;
    wait_for(&fleet, "the Secret argocd/deep").await;
    show(&shown, &fleet);
    server.forbid("Secret", true);
    wait_for(&fleet, "the server answered 403").await;
    show(&shown, &fleet);
    server.shutdown().await;
    drop(fleet);
    drop(guard);
    let planted: Vec<_> = [TOKEN, RENEWED].into_iter().flat_map(disguises).collect();
    shown.assert_hides("a hub", &planted);
}
