//! A hub, and a fleet that watches it.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kubex::fleet::{Fleet, Hub, Input};
use kubex_tests::api_server::{ApiServer, User};
use serde_json::{Value, json};

/// Longer than any pause of the watch, on a machine under load.
const LIMIT: Duration = Duration::from_secs(120);

pub const SECRET: &str = "s3cret-of-a-cluster";

/// A running hub that keeps Secrets and ClusterProfiles.
pub async fn hub() -> ApiServer {
    let server = ApiServer::builder().start().await.unwrap();
    server.accept_token("t0ken", User::new("fleet"));
    server.keep_objects("v1", "Secret", "secrets");
    server.keep_objects(
        "multicluster.x-k8s.io/v1alpha1",
        "ClusterProfile",
        "clusterprofiles",
    );
    server
}

pub async fn client(server: &ApiServer) -> kube::Client {
    let configuration = kubex::configure()
        .url(server.url())
        .server_ca_pem(server.ca_pem())
        .token("t0ken")
        .await
        .unwrap();
    kubex::kube::client(&configuration).unwrap()
}

pub async fn fleet(hub: Hub) -> Fleet {
    let builder = Fleet::builder(kubex::registry().unwrap());
    builder.input(Input::hub("hub", hub)).start().await.unwrap()
}

/// Waits until the members have these names.
pub async fn wait_for_members(fleet: &Fleet, expected: &[&str]) {
    wait_for(fleet, &format!("members {expected:?}"), |fleet| {
        let members = fleet.members();
        members
            .iter()
            .map(kubex::fleet::Member::name)
            .eq(expected.iter().copied())
    })
    .await;
}

/// Waits until the report has a problem with this text, or no problem at all.
pub async fn wait_for_problem(fleet: &Fleet, expected: Option<&str>) {
    wait_for(fleet, &format!("problem {expected:?}"), |fleet| {
        let report = fleet.report();
        let problems = &report.inputs()[0].problems;
        match expected {
            Some(text) => problems.iter().any(|problem| problem.to_string().contains(text)),
            None => problems.is_empty(),
        }
    })
    .await;
}

pub async fn wait_for(fleet: &Fleet, what: &str, is_so: impl Fn(&Fleet) -> bool) {
    let began = Instant::now();
    while !is_so(fleet) {
        assert!(began.elapsed() < LIMIT, "expected {what}:\n{}", fleet.report());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A Secret of Argo CD.
pub fn argo(name: &str) -> Value {
    let config = format!(r#"{{"bearerToken": "{SECRET}"}}"#);
    json!({
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {"namespace": "argocd", "name": name, "labels": {"argocd.argoproj.io/secret-type": "cluster"}},
        "data": {
            "server": BASE64_STANDARD.encode(format!("https://{name}.example")),
            "config": BASE64_STANDARD.encode(config),
        },
    })
}

/// A Secret of Cluster API.
pub fn cluster_api(name: &str) -> Value {
    let kubeconfig = format!(
        "clusters: [{{name: a, cluster: {{server: 'https://{name}.example'}}}}]\nusers: [{{name: u, user: {{token: {SECRET}}}}}]\n\
         contexts: [{{name: c, context: {{cluster: a, user: u}}}}]\ncurrent-context: c\n"
    );
    json!({
        "kind": "Secret",
        "type": "cluster.x-k8s.io/secret",
        "metadata": {"namespace": "capi", "name": format!("{name}-kubeconfig")},
        "data": {"value": BASE64_STANDARD.encode(kubeconfig)},
    })
}

/// A kubeconfig of multicluster-runtime.
pub fn multicluster_runtime(name: &str) -> Value {
    let mut secret = cluster_api(name);
    let value = secret["data"]["value"].take();
    secret["type"] = json!("Opaque");
    secret["metadata"] = json!({"namespace": "mcr", "name": name,
        "labels": {"sigs.k8s.io/multicluster-runtime-kubeconfig": "true"}});
    secret["data"] = json!({"kubeconfig": value});
    secret
}

pub fn profile(name: &str) -> Value {
    json!({
        "kind": "ClusterProfile",
        "metadata": {"namespace": "fleet", "name": name},
        "status": {"accessProviders": [{"name": "token", "cluster": {"server": format!("https://{name}.example")}}]},
    })
}
