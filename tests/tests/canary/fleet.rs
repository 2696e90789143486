//! What a fleet shows: its report, its members, its changes and its events, for objects that are whole and for broken ones.

use std::time::Duration;

use kubex::fleet::{Fleet, Input, Objects};
use kubex_core::faults::plugin;
use kubex_core::host::{PluginPolicy, PluginRules};
use serde_json::json;

use super::case::{live, world};
use super::shown::{
    ARGUMENT, Canary as _, ENVIRONMENT, FALLBACK, KEY, OUTPUT, PASSWORD, PROXY, Shown, TOKEN, UNKNOWN_FIELD,
};

/// Secrets of Argo CD with this `config`, and of the other kinds with this content.
fn secret(labels: &serde_json::Value, data: &serde_json::Value) -> String {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "hub", "labels": labels},
           "stringData": data})
    .to_string()
}

fn argo(config: &str) -> String {
    let labels = json!({"argocd.argoproj.io/secret-type": "cluster"});
    secret(&labels, &json!({"server": "https://10.0.0.1", "config": config}))
}

fn runtime(kubeconfig: &str) -> String {
    let labels = json!({"sigs.k8s.io/multicluster-runtime-kubeconfig": "true"});
    secret(
        &labels,
        &json!({"kubeconfig": kubeconfig, "other": UNKNOWN_FIELD}),
    )
}

fn kubeconfig(user: &str) -> String {
    format!(
        "current-context: a\ncontexts: [{{name: a, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: 'https://10.0.0.1'}}}}]\nusers: [{{name: u, user: {{{user}}}}}]\n"
    )
}

fn profile(extension: &serde_json::Value) -> String {
    json!({"apiVersion": "multicluster.x-k8s.io/v1alpha1", "kind": "ClusterProfile",
           "metadata": {"name": "a", "namespace": "hub"},
           "status": {"accessProviders": [{"name": "p", "cluster": {
               "server": "https://10.0.0.1", "proxy-url": format!("http://jane:{PROXY}@127.0.0.1:1"),
               "extensions": [{"name": "clusterprofiles.multicluster.x-k8s.io/exec/additional-args", "extension": [format!("--token={ARGUMENT}")]},
                              {"name": "clusterprofiles.multicluster.x-k8s.io/exec/additional-envs", "extension": extension}]}}]}})
    .to_string()
}

fn manifests() -> Vec<(&'static str, String)> {
    let exec = json!({"execProviderConfig": {"command": "login", "args": [format!("--password={PASSWORD}")],
                      "env": {"AWS_PROFILE": "x"}}});
    vec![
        ("a token", argo(&json!({"bearerToken": TOKEN}).to_string())),
        (
            "a password",
            argo(&json!({"username": "jane", "password": PASSWORD}).to_string()),
        ),
        (
            "a token of another type",
            argo(&json!({"bearerToken": [TOKEN]}).to_string()),
        ),
        (
            "a token with a line end",
            argo(&json!({"bearerToken": format!("{TOKEN}\n{FALLBACK}")}).to_string()),
        ),
        (
            "text that is not a key",
            argo(&json!({"tlsClientConfig": {"certData": KEY, "keyData": KEY}}).to_string()),
        ),
        ("half a config", argo(&format!("{{\"bearerToken\": \"{TOKEN}"))),
        (
            "an unknown field",
            argo(&json!({"bearerTokn": TOKEN, "x": UNKNOWN_FIELD}).to_string()),
        ),
        (
            "a proxy",
            argo(
                &json!({"bearerToken": TOKEN, "proxyUrl": format!("http://j:{PROXY}@127.0.0.1")}).to_string(),
            ),
        ),
        ("a plugin", argo(&exec.to_string())),
        ("a kubeconfig", runtime(&kubeconfig(&format!("token: {TOKEN}")))),
        (
            "half a kubeconfig",
            runtime(&format!("users: [{{user: {{token: {TOKEN}")),
        ),
        ("a token where a kubeconfig belongs", runtime(TOKEN)),
        (
            "a token file",
            runtime(&kubeconfig(&format!("tokenFile: /x, token: {TOKEN}"))),
        ),
        ("a profile", profile(&json!({"AWS_PROFILE": ENVIRONMENT}))),
        ("a harmful variable", profile(&json!({"LD_PRELOAD": ENVIRONMENT}))),
        (
            "a token as the kind",
            json!({"apiVersion": "v1", "kind": TOKEN, "metadata": {"name": TOKEN}}).to_string(),
        ),
        (
            "a manifest that is cut off",
            format!("apiVersion: v1\nkind: Secret\nstringData: [{TOKEN}"),
        ),
        ("a token in place of a manifest", TOKEN.to_owned()),
    ]
}

#[tokio::test]
async fn a_fleet_shows_no_secret() {
    for (what, manifest) in manifests() {
        let world = world();
        world.install_program("/usr/bin/login");
        world.run_processes(|process| {
            plugin::fails(1, format!("denied: {}", process.arguments.join(" ")))(process)
        });
        world.write("/hub/a.yaml", &manifest);
        let providers = json!({"providers": [{"name": "p", "execConfig": {"command": "login", "args": ["x"],
            "env": [{"name": "A_TOKEN", "value": OUTPUT}]}, "profileSourcedCLIArgsPolicy": "Append",
            "profileSourcedEnvVarsPolicy": "Replace"}]});
        world.write("/providers.json", &providers.to_string());
        let shown = Shown::default();
        let guard = shown.listen();
        shown.add(format!(
            "the case is: {what}; what follows is everything that it shows\n"
        ));
        let objects = Objects::new();
        let fleet = Fleet::builder(kubex::registry().unwrap())
            .host(world.host())
            .plugin_rules(PluginRules::new().policy(PluginPolicy::allowlist(["login"]).unwrap()))
            .input(Input::manifests("files", "/hub").access_providers("/providers.json"))
            .input(Input::objects("objects", &objects))
            .start()
            .await
            .unwrap();
        if let Err(error) = objects.apply(manifest.clone().into_bytes()) {
            shown.error(&error);
        }
        fleet.settled().await;
        for round in 0..2 {
            for member in fleet.members() {
                shown.debug(&member);
                match member.configuration() {
                    Ok(configuration) => live(&shown, &world, configuration).await,
                    Err(error) => shown.error(error),
                }
            }
            shown.add(fleet.report().to_string());
            shown.debug(&fleet.report());
            shown.debug(&fleet);
            let mut changes = fleet.changes();
            shown.debug(&changes);
            while let Some(change) = changes.try_next() {
                shown.debug(&change);
            }
            if round == 0 {
                // Then it is cut off while it is in use.
                world.write("/hub/a.yaml", &manifest[..manifest.len() - 2]);
                world.advance(Duration::from_secs(61));
                for _ in 0..50 {
                    tokio::task::yield_now().await;
                }
                fleet.settled().await;
            }
        }
        shown.debug(&objects);
        drop(guard);
        shown.assert_clean(what);
    }
}
