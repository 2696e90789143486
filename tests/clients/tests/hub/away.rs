//! A hub that is away, refuses, or no longer knows where a watch ended.

use kubex::fleet::Hub;
use kubex_tests::api_server::{ApiServer, User};

use crate::scene::{SECRET, argo, client, fleet, hub, profile, wait_for, wait_for_members, wait_for_problem};

/// How often objects were listed.
fn lists(server: &ApiServer) -> usize {
    let is_list = |query: &Option<String>| !query.as_deref().unwrap_or_default().contains("watch=true");
    server
        .requests()
        .iter()
        .filter(|request| is_list(&request.query))
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_that_is_interrupted_goes_on_where_it_ended() {
    let server = hub().await;
    server.put_object(argo("a"));
    let fleet = fleet(Hub::new(client(&server).await).argo_cd()).await;
    wait_for(&fleet, "a watch", |_| server.watchers("Secret") == 1).await;
    server.forget_requests();
    server.interrupt_watches("Secret");
    server.delete_object("Secret", "argocd", "a");
    server.put_object(argo("b"));
    wait_for_members(&fleet, &["hub/secrets/argocd/b"]).await;
    assert_eq!(lists(&server), 0);
    wait_for_problem(&fleet, None).await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_410_everything_is_listed_again_and_what_is_gone_is_removed() {
    let server = hub().await;
    server.put_object(argo("a"));
    server.put_object(argo("b"));
    let fleet = fleet(Hub::new(client(&server).await).argo_cd()).await;
    wait_for(&fleet, "a watch", |_| server.watchers("Secret") == 1).await;
    server.forget_requests();
    server.interrupt_watches("Secret");
    server.delete_object("Secret", "argocd", "a");
    server.put_object(argo("c"));
    server.compact("Secret");
    wait_for(&fleet, "a second list", |_| lists(&server) == 1).await;
    wait_for_members(&fleet, &["hub/secrets/argocd/b", "hub/secrets/argocd/c"]).await;
    wait_for_problem(&fleet, None).await;
    server.put_object(argo("d"));
    wait_for_members(
        &fleet,
        &[
            "hub/secrets/argocd/b",
            "hub/secrets/argocd/c",
            "hub/secrets/argocd/d",
        ],
    )
    .await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_refuses_keeps_what_there_was_and_is_in_the_report() {
    let server = hub().await;
    server.put_object(argo("a"));
    server.put_object(profile("d"));
    let fleet = fleet(Hub::new(client(&server).await).argo_cd().cluster_profiles()).await;
    wait_for(&fleet, "both watches", |_| {
        server.watchers("Secret") == 1 && server.watchers("ClusterProfile") == 1
    })
    .await;
    server.forbid("Secret", true);
    wait_for_problem(
        &fleet,
        Some("the Secrets of Argo CD of the hub cannot be watched: the server answered 403"),
    )
    .await;
    let report = fleet.report().to_string();
    assert!(
        report.contains("grant \"list\" and \"watch\" for \"secrets\""),
        "{report}"
    );
    assert!(fleet.get("hub/secrets/argocd/a").unwrap().configuration().is_ok());

    // The other watch goes on, and deletions are noticed later.
    server.put_object(profile("e"));
    server.delete_object("Secret", "argocd", "a");
    wait_for_members(
        &fleet,
        &[
            "hub/clusterprofiles/fleet/d",
            "hub/clusterprofiles/fleet/e",
            "hub/secrets/argocd/a",
        ],
    )
    .await;
    server.forbid("Secret", false);
    wait_for_members(
        &fleet,
        &["hub/clusterprofiles/fleet/d", "hub/clusterprofiles/fleet/e"],
    )
    .await;
    wait_for_problem(&fleet, None).await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_is_gone_keeps_what_there_was_and_no_secret_is_shown() {
    let server = hub().await;
    server.put_object(argo("a"));
    let fleet = fleet(Hub::new(client(&server).await).argo_cd()).await;
    wait_for_members(&fleet, &["hub/secrets/argocd/a"]).await;
    server.shutdown().await;
    wait_for_problem(
        &fleet,
        Some("the Secrets of Argo CD of the hub cannot be watched"),
    )
    .await;
    assert!(fleet.get("hub/secrets/argocd/a").unwrap().configuration().is_ok());
    let shown = format!("{} {:?} {:?}", fleet.report(), fleet.report(), fleet.members());
    assert!(!shown.contains(SECRET) && !shown.contains("t0ken"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_without_the_resource_is_in_the_report_from_the_start() {
    let server = ApiServer::builder().start().await.unwrap();
    server.accept_token("t0ken", User::new("fleet"));
    let fleet = fleet(Hub::new(client(&server).await).cluster_profiles()).await;
    let report = fleet.report().to_string();
    assert!(report.contains("the server answered 404"), "{report}");
    assert!(
        report.contains("install the resource \"clusterprofiles\""),
        "{report}"
    );
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_that_is_dropped_ends_its_watches() {
    let server = hub().await;
    let fleet = fleet(Hub::new(client(&server).await).argo_cd()).await;
    wait_for(&fleet, "a watch", |_| server.watchers("Secret") == 1).await;
    drop(fleet);
    let began = std::time::Instant::now();
    while server.watchers("Secret") > 0 {
        assert!(began.elapsed().as_secs() < 60, "the watch goes on");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    server.shutdown().await;
}
