//! Which paths of a server a request may have: those below the server's own.

use http::StatusCode;
use kubex::{ClientConfiguration, ErrorKind, ServerUrl};
use kubex_tests::api_server::{ApiServer, User};

use crate::world::*;

fn below<C: ClientUnderTest>(server: &ApiServer) -> C {
    let mut cluster = cluster(server);
    cluster.server = ServerUrl::parse(&format!("{}/k8s/clusters/c-1", server.url())).unwrap();
    client(ClientConfiguration::builder(cluster).credential(bearer("t0ken")))
}

fn assert_refused(failure: &Failure, target: &str) {
    let own = failure.own().unwrap_or_else(|| panic!("{target}: {failure:?}"));
    assert_eq!(own.kind(), ErrorKind::InvalidValue, "{target}");
    assert!(own.to_string().contains("invalid request path"), "{own}");
}

pub(crate) async fn a_path_that_leaves_the_servers_own_is_refused_in_every_spelling<C: ClientUnderTest>() {
    for version in BOTH {
        let server = server(version).await;
        server.accept_token("t0ken", User::new("jane"));
        let client: C = below(&server);
        for path in [
            "/..",
            "/../c-2/version",
            "/../../../version",
            "/api/../../c-2/version",
            "/%2e%2e/c-2/version",
            "/.%2E/c-2/version",
            "/api/..%2f..%2fc-2/version",
            "/%5c../version",
            "//../c-2/version",
            "/./../c-2/version",
        ] {
            assert_refused(&send(&client, Request::get(path)).await.unwrap_err(), path);
        }
        assert_eq!((server.connections(), server.requests().len()), (0, 0));
        server.shutdown().await;
    }
}

pub(crate) async fn a_path_that_climbs_and_stays_below_arrives<C: ClientUnderTest>() {
    for version in BOTH {
        let server = server(version).await;
        server.accept_token("t0ken", User::new("jane"));
        let client: C = below(&server);
        for path in ["/version", "/api/../version", "/proxy/a%2Fb", "/v?x=/../.."] {
            send(&client, Request::get(path)).await.unwrap();
        }
        assert_eq!(server.requests().len(), 4);
        for request in server.requests() {
            assert_eq!(request.bearer_token(), Some("t0ken"));
            assert!(request.path.starts_with("/k8s/clusters/c-1/"), "{}", request.path);
        }
        server.shutdown().await;
    }
}

pub(crate) async fn a_url_outside_of_the_servers_own_path_is_refused<C: ClientUnderTest>() {
    for version in BOTH {
        let server = server(version).await;
        server.accept_token("t0ken", User::new("jane"));
        let client: C = below(&server);
        for path in [
            "/version",
            "/k8s/clusters/c-12/version",
            "/k8s/clusters/c-1/../c-2",
        ] {
            let url = format!("{}{path}", server.url());
            assert_refused(&send(&client, Request::get(&url)).await.unwrap_err(), &url);
        }
        assert_eq!(server.connections(), 0);
        let url = format!("{}/k8s/clusters/c-1/version", server.url());
        let answer = send(&client, Request::get(&url)).await.unwrap();
        assert_eq!(
            answer.status,
            StatusCode::NOT_FOUND,
            "it arrived with the credential"
        );
        server.shutdown().await;
    }
}
