//! What becomes a member, and what is asked for.

use kubex::fleet::{Fleet, Hub, Input};
use kubex_tests::api_server::RecordedRequest;
use serde_json::{Value, json};

use crate::scene::{
    SECRET, argo, client, cluster_api, fleet, hub, multicluster_runtime, profile, wait_for, wait_for_members,
    wait_for_problem,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_the_hub_is_a_member_when_the_fleet_has_started() {
    let server = hub().await;
    server.put_object(argo("a"));
    server.put_object(cluster_api("b"));
    server.put_object(multicluster_runtime("c"));
    server.put_object(profile("d"));
    server.put_object(json!({"kind": "Secret", "metadata": {"namespace": "x", "name": "unrelated"}}));
    let hub = Hub::new(client(&server).await);
    let fleet = fleet(
        hub.argo_cd()
            .cluster_api()
            .multicluster_runtime()
            .cluster_profiles(),
    )
    .await;
    let names: Vec<_> = fleet
        .members()
        .iter()
        .map(|member| member.name().to_owned())
        .collect();
    assert_eq!(
        names,
        [
            "hub/clusterprofiles/fleet/d",
            "hub/secrets/argocd/a",
            "hub/secrets/capi/b-kubeconfig",
            "hub/secrets/mcr/c"
        ],
        "{}",
        fleet.report()
    );
    let member = fleet.get("hub/secrets/capi/b-kubeconfig").unwrap();
    let configuration = member.configuration().unwrap();
    assert_eq!(configuration.cluster().server.as_str(), "https://b.example");
    let credential = configuration.credentials().current().await.unwrap();
    assert!(credential.token().is_some());
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_that_come_change_and_go_are_followed() {
    let server = hub().await;
    let fleet = fleet(Hub::new(client(&server).await).argo_cd()).await;
    assert!(fleet.members().is_empty());
    server.put_object(argo("a"));
    server.put_object(argo("b"));
    wait_for_members(&fleet, &["hub/secrets/argocd/a", "hub/secrets/argocd/b"]).await;

    server.delete_object("Secret", "argocd", "a");
    wait_for_members(&fleet, &["hub/secrets/argocd/b"]).await;

    // Without its label, a Secret is no longer one of Argo CD.
    let mut unlabelled = argo("b");
    unlabelled["metadata"]["labels"] = json!({});
    server.put_object(unlabelled);
    wait_for_members(&fleet, &[]).await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_fitting_objects_are_asked_for_page_by_page() {
    let server = hub().await;
    for number in 0..250 {
        server.put_object(argo(&format!("a{number}")));
    }
    server.put_object(
        json!({"kind": "Secret", "metadata": {"namespace": "argocd", "name": "unrelated"},
        "data": {"password": SECRET}}),
    );
    let hub = Hub::new(client(&server).await);
    let fleet = fleet(hub.argo_cd().cluster_api().cluster_profiles().namespace("argocd")).await;
    assert_eq!(fleet.members().len(), 250);

    let requests = server.requests();
    let asks =
        |request: &&RecordedRequest, text: &str| request.query.as_deref().unwrap_or_default().contains(text);
    for request in &requests {
        assert!(request.path.contains("/namespaces/argocd/"), "{}", request.path);
        let is_narrow = asks(
            &request,
            "labelSelector=argocd.argoproj.io%2Fsecret-type%3Dcluster",
        ) || asks(&request, "fieldSelector=type%3Dcluster.x-k8s.io%2Fsecret")
            || request.path.ends_with("/clusterprofiles");
        assert!(is_narrow, "{} {:?}", request.path, request.query);
    }
    let pages = requests.iter().filter(|request| {
        asks(request, "argocd.argoproj.io") && asks(request, "limit=100") && !asks(request, "watch=true")
    });
    assert_eq!(pages.count(), 3);
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_is_too_large_is_a_problem_of_the_hub_and_the_others_are_used() {
    let server = hub().await;
    let mut large = argo("large");
    large["data"]["padding"] = json!("A".repeat(1600 * 1024));
    server.put_object(large);
    server.put_object(argo("a"));
    let fleet = fleet(Hub::new(client(&server).await).argo_cd()).await;
    wait_for_members(&fleet, &["hub/secrets/argocd/a"]).await;
    wait_for_problem(&fleet, Some("the object is larger than 1572864 bytes")).await;

    server.put_object(argo("large"));
    wait_for_members(&fleet, &["hub/secrets/argocd/a", "hub/secrets/argocd/large"]).await;
    wait_for_problem(&fleet, None).await;
    server.shutdown().await;
}

/// Deeper than most JSON readers go. The API server accepts it.
fn deep(name: &str) -> Value {
    let mut value = json!("s3cret-of-an-extension");
    for _ in 0..200 {
        value = json!([value]);
    }
    let mut deep = profile(name);
    deep["status"]["accessProviders"][0]["cluster"]["extensions"] =
        json!([{"name": "client.authentication.k8s.io/exec", "extension": value}]);
    deep
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_is_nested_deeply_is_a_problem_of_the_hub_and_the_others_are_used() {
    let server = hub().await;
    server.put_object(deep("deep"));
    server.put_object(profile("good"));
    let fleet = fleet(Hub::new(client(&server).await).cluster_profiles()).await;
    let good = "hub/clusterprofiles/fleet/good";
    wait_for_members(&fleet, &[good]).await;
    wait_for_problem(&fleet, Some("the ClusterProfile fleet/deep")).await;

    // In a watch, the events around it arrive, and nothing is listed again.
    wait_for(&fleet, "a watch", |_| server.watchers("ClusterProfile") == 1).await;
    server.forget_requests();
    server.put_object(deep("later"));
    server.put_object(profile("next"));
    let next = "hub/clusterprofiles/fleet/next";
    wait_for_members(&fleet, &[good, next]).await;
    wait_for_problem(&fleet, Some("the ClusterProfile fleet/later")).await;
    server.delete_object("ClusterProfile", "fleet", "later");
    server.put_object(profile("deep"));
    wait_for_members(&fleet, &["hub/clusterprofiles/fleet/deep", good, next]).await;
    wait_for_problem(&fleet, None).await;
    assert_eq!(server.requests().len(), 0);
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_whose_object_becomes_nested_deeply_stays_as_it_was() {
    let server = hub().await;
    server.put_object(profile("a"));
    let fleet = fleet(Hub::new(client(&server).await).cluster_profiles()).await;
    wait_for_members(&fleet, &["hub/clusterprofiles/fleet/a"]).await;
    server.put_object(deep("a"));
    wait_for_problem(&fleet, Some("the ClusterProfile fleet/a")).await;
    // It is not usable, for the same reason as before.
    let member = fleet.get("hub/clusterprofiles/fleet/a").unwrap();
    let reason = member.configuration().unwrap_err();
    assert!(
        reason.message().contains("the access providers token"),
        "{reason}"
    );
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_is_asked_for_nothing_is_an_error() {
    let server = hub().await;
    let input = Input::hub("hub", Hub::new(client(&server).await));
    let started = Fleet::builder(kubex::registry().unwrap())
        .input(input)
        .start()
        .await;
    let error = started.unwrap_err();
    assert!(error.to_string().contains("call cluster_api"), "{error}");
    server.shutdown().await;
}
