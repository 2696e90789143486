//! What only kube's client has: its API types, its namespace, and its errors.

use http::{Request, StatusCode, Version};
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ListParams, PostParams};
use kubex::{ClientConfiguration, Cluster, ErrorKind, Impersonation, ServerUrl, Trust};
use kubex_tests::api_server::{ApiServer, User};

use crate::redirects::STATUSES;
use crate::world::{BOTH, Playback, bearer, built, cluster, configure, server};

#[tokio::test]
async fn a_typed_review_is_created_with_the_renewed_token() {
    for version in BOTH {
        let server = server(version).await;
        server.accept_token("new", User::new("jane"));
        let source = Playback::of([bearer("old"), bearer("new")]);
        let client = kubex::kube::client(&built(configure(&server).source(source))).unwrap();
        let reviews: Api<SelfSubjectReview> = Api::all(client);
        let review = reviews
            .create(&PostParams::default(), &SelfSubjectReview::default())
            .await
            .unwrap();
        let user = review.status.unwrap().user_info.unwrap();
        assert_eq!(user.username.as_deref(), Some("jane"));
        let requests = server.requests();
        assert_eq!(requests[0].body, requests[1].body);
        server.shutdown().await;
    }
}

#[tokio::test]
async fn namespace_path_and_impersonation_are_the_configurations() {
    for version in BOTH {
        let server = server(version).await;
        server.accept_token("t0ken", User::new("admin"));
        server.answer(
            "/k8s/api/v1/namespaces/team-a/pods",
            StatusCode::OK,
            serde_json::json!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": []}),
        );
        let mut cluster = cluster(&server);
        cluster.server = ServerUrl::parse(&format!("{}/k8s/", server.url())).unwrap();
        let mut jane = Impersonation::new("jane");
        jane.groups = vec!["dev".into(), "ops".into()];
        let configuration = built(
            ClientConfiguration::builder(cluster)
                .credential(bearer("t0ken"))
                .namespace("team-a")
                .impersonation(Some(jane)),
        );
        let client = kubex::kube::client(&configuration).unwrap();
        assert_eq!(client.default_namespace(), "team-a");
        let pods: Api<Pod> = Api::default_namespaced(client);
        let listed = pods.list(&ListParams::default().limit(7)).await.unwrap();
        assert!(listed.items.is_empty());
        let request = server.requests().remove(0);
        assert_eq!(request.path, "/k8s/api/v1/namespaces/team-a/pods");
        assert!(request.query.unwrap().contains("limit=7"));
        assert_eq!(request.user.as_deref(), Some("jane"));
        let groups: Vec<_> = request
            .impersonation
            .iter()
            .filter(|(name, _)| name == "impersonate-group")
            .map(|(_, value)| value.as_str())
            .collect();
        assert_eq!(groups, ["dev", "ops"]);
        server.shutdown().await;
    }
}

#[tokio::test]
async fn a_redirect_on_the_same_origin_is_not_followed_either() {
    for version in BOTH {
        let server = server(version).await;
        server.accept_token("t0ken", User::new("jane"));
        let mut cluster = cluster(&server);
        cluster.trust = Trust::Insecure;
        let configuration = built(ClientConfiguration::builder(cluster).credential(bearer("t0ken")));
        let client = kubex::kube::client(&configuration).unwrap();
        for status in STATUSES {
            server.redirect_with(status, "/away", format!("{}/version", server.url()));
            let request = Request::get("/away").body(kube::client::Body::empty()).unwrap();
            assert_eq!(client.send(request).await.unwrap().status(), status);
        }
        assert_eq!(server.requests().len(), 3);
        server.shutdown().await;
    }
}

#[tokio::test]
async fn a_401_without_a_newer_credential_is_kubes_own_error() {
    for version in BOTH {
        let server = server(version).await;
        let source = Playback::of([bearer("bad")]);
        let client = kubex::kube::client(&built(configure(&server).source(source))).unwrap();
        let error = client
            .request_text(Request::get("/version").body(vec![]).unwrap())
            .await
            .unwrap_err();
        let kube::Error::Api(status) = error else {
            panic!("{error}")
        };
        assert_eq!(status.code, 401);
        assert_eq!(server.requests().len(), 1);
        server.shutdown().await;
    }
}

#[tokio::test]
async fn an_error_of_kubex_is_found_by_a_downcast() {
    let server: ApiServer = server(Version::HTTP_2).await;
    let client = kubex::kube::client(&built(configure(&server))).unwrap();
    server.shutdown().await;
    let kube::Error::Service(error) = client.apiserver_version().await.unwrap_err() else {
        panic!("not an error of a service")
    };
    let own: &kubex::Error = error.downcast_ref().unwrap();
    assert_eq!(own.kind(), ErrorKind::RequestFailed);
}

#[tokio::test]
async fn an_unencrypted_server_behind_a_proxy_is_refused_with_a_way_out() {
    let mut cluster = Cluster::new(ServerUrl::parse("http://10.0.0.1:8080").unwrap());
    cluster.proxy = Some(kubex::Proxy::parse("http://127.0.0.1:1").unwrap());
    let error = kubex::kube::client(&built(ClientConfiguration::builder(cluster)))
        .map(drop)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("NO_PROXY"), "{error}");
}

#[test]
fn outside_of_a_runtime_it_is_an_error_and_not_a_panic() {
    let cluster = Cluster::new(ServerUrl::parse("https://10.0.0.1").unwrap());
    let error = kubex::kube::client(&built(ClientConfiguration::builder(cluster)))
        .map(drop)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}
