//! No redirect is followed, so that no credential goes along.

use http::StatusCode;
use kubex::{ClientConfiguration, Impersonation, Trust};
use kubex_tests::api_server::{ApiServer, User};

use crate::world::*;

#[tokio::test]
async fn a_redirect_is_handed_back_and_nothing_goes_there() {
    let mut cases = 0;
    for version in BOTH {
        let server = server(version).await;
        let other = speaking(version).allow_anonymous(true).start().await.unwrap();
        let plain = ApiServer::builder()
            .plain_http()
            .allow_anonymous(true)
            .start()
            .await
            .unwrap();
        server.accept_token("t0ken", User::new("jane"));
        let issued = server.issue_client_certificate("jane", &[]);
        let mut cluster = cluster(&server);
        cluster.trust = Trust::Insecure;
        let client = client(
            ClientConfiguration::builder(cluster)
                .credential(bearer("t0ken").with_certificate(pair(&issued)))
                .impersonation(Some(Impersonation::new("joe"))),
        );
        let port = server.address().port();
        let mut sent = 0;
        for location in [
            format!("{}/version", other.url()),
            format!("{}/version", plain.url()),
            format!("https://localhost:{port}/version"),
            format!("{}/version", server.url()),
        ] {
            for code in [
                StatusCode::FOUND,
                StatusCode::TEMPORARY_REDIRECT,
                StatusCode::PERMANENT_REDIRECT,
            ] {
                server.redirect_with(code, "/away", &location);
                assert_eq!(status(&client, "/away").await.unwrap(), code);
                sent += 1;
            }
        }
        assert_eq!((other.connections(), other.failed_handshakes()), (0, 0));
        assert_eq!(plain.connections(), 0);
        assert_eq!(server.requests().len(), sent);
        cases += sent;
        for server in [server, other, plain] {
            server.shutdown().await;
        }
    }
    assert_eq!(cases, 24);
}
