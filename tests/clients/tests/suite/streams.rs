//! Long answers of kube: watches over the shared connection, `exec` and `port-forward` over one of their own.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, TryStreamExt as _};
use http::Version;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{AttachParams, WatchEvent, WatchParams};
use kubex::ClientConfigurationBuilder;
use kubex_tests::api_server::{ApiServer, User};
use kubex_tests::machine::patience;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::world::{BOTH, LIMIT, Playback, bearer, built, configure, server};

fn client(builder: ClientConfigurationBuilder) -> kube::Client {
    kubex::kube::client(&built(builder)).unwrap()
}

const PODS: &str = "/api/v1/namespaces/default/pods";

fn added(name: &str) -> serde_json::Value {
    json!({"type": "ADDED", "object": {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": name}}})
}

/// Sends an event as soon as a watch is open.
async fn tell(server: &ApiServer, name: &str) {
    let begun = Instant::now();
    while server.tell_watchers(PODS, &added(name)) == 0 {
        assert!(
            begun.elapsed() < patience(Duration::from_secs(2)),
            "no watch is open"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn next_name(
    events: &mut (impl futures_util::Stream<Item = kube::Result<WatchEvent<Pod>>> + Unpin),
) -> String {
    match tokio::time::timeout(patience(LIMIT), events.try_next())
        .await
        .unwrap()
        .unwrap()
    {
        Some(WatchEvent::Added(pod)) => pod.metadata.name.unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_watch_goes_on_while_the_token_rotates_and_is_taken_up_with_the_new_one() {
    for version in BOTH {
        let server = server(version).await;
        server.accept_token("one", User::new("jane"));
        let source = Playback::of([bearer("one"), bearer("two")]);
        let client = client(configure(&server).source(source.clone()));
        let pods: Api<Pod> = Api::default_namespaced(client.clone());
        let mut events = pods.watch(&WatchParams::default(), "0").await.unwrap().boxed();
        tell(&server, "first").await;
        assert_eq!(next_name(&mut events).await, "first");

        server.accept_token("two", User::new("jane"));
        server.revoke_token("one");
        tell(&server, "second").await;
        assert_eq!(
            next_name(&mut events).await,
            "second",
            "what is under way goes on"
        );
        // Another request renews the token meanwhile, on a connection that the server takes down.
        client.apiserver_version().await.unwrap();

        server.end_watches();
        let end = tokio::time::timeout(patience(LIMIT), events.try_next())
            .await
            .unwrap();
        assert!(
            end.unwrap().is_none(),
            "the server ended it, as it does after some minutes"
        );
        let mut events = pods.watch(&WatchParams::default(), "0").await.unwrap().boxed();
        tell(&server, "third").await;
        assert_eq!(next_name(&mut events).await, "third");
        assert_eq!(source.fetches(), 2);
        for request in server.requests() {
            assert_eq!(request.version, version);
        }
        drop(events);
        server.shutdown().await;
    }
}

#[tokio::test]
async fn exec_works_beside_requests_over_http_2_and_carries_the_current_token() {
    for version in BOTH {
        let server = server(version).await;
        server.serve_streams(true);
        server.accept_token("new", User::new("jane"));
        let source = Playback::of([bearer("old"), bearer("new")]);
        let client = client(configure(&server).source(source.clone()));
        let pods: Api<Pod> = Api::default_namespaced(client.clone());

        // Its first request is rejected, and sent once more as any other.
        let parameters = AttachParams::default().stdin(true).stderr(false);
        let mut process = pods.exec("web-0", ["cat"], &parameters).await.unwrap();
        let mut input = process.stdin().unwrap();
        let mut output = process.stdout().unwrap();
        let ended = process.take_status().unwrap();
        input.write_all(b"hello").await.unwrap();
        let mut said = [0; 5];
        output.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, b"hello");
        input.shutdown().await.unwrap();
        let ended = tokio::time::timeout(patience(LIMIT), ended)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(ended.status, Some("Success".to_owned()));

        client.apiserver_version().await.unwrap();
        let requests = server.requests();
        let versions: Vec<_> = requests.iter().map(|request| request.version).collect();
        assert_eq!(versions, [Version::HTTP_11, Version::HTTP_11, version]);
        let tokens: Vec<_> = requests.iter().map(|request| request.bearer_token()).collect();
        assert_eq!(tokens, [Some("old"), Some("new"), Some("new")]);
        server.shutdown().await;
    }
}

#[tokio::test]
async fn a_port_is_forwarded() {
    let server = server(Version::HTTP_2).await;
    server.serve_streams(true);
    server.accept_token("t0ken", User::new("jane"));
    let pods: Api<Pod> = Api::default_namespaced(client(configure(&server).credential(bearer("t0ken"))));
    let mut forward = pods.portforward("web-0", &[8080, 9090]).await.unwrap();
    for port in [8080, 9090] {
        let mut stream = forward.take_stream(port).unwrap();
        stream.write_all(b"ping").await.unwrap();
        let mut back = [0; 4];
        tokio::time::timeout(patience(LIMIT), stream.read_exact(&mut back))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(&back, b"ping", "{port}");
    }
    forward.abort();
    server.shutdown().await;
}

#[tokio::test]
async fn an_upgrade_that_the_server_refuses_is_its_own_error() {
    for version in BOTH {
        let server = server(version).await;
        server.accept_token("t0ken", User::new("jane"));
        let pods: Api<Pod> = Api::default_namespaced(client(configure(&server).credential(bearer("t0ken"))));
        let refused = pods.exec("web-0", ["cat"], &AttachParams::default()).await;
        match refused.map(drop).unwrap_err() {
            kube::Error::Api(told) => assert_eq!((told.code, told.reason.as_str()), (404, "NotFound")),
            other => panic!("{other}"),
        }
        server.shutdown().await;
    }
}
