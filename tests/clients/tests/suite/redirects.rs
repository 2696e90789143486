//! A credential goes to one origin: what becomes of redirects.

use http::StatusCode;
use kubex::{ClientConfiguration, Impersonation, Trust};
use kubex_tests::api_server::{ApiServer, User};

use crate::world::*;

pub(crate) const STATUSES: [StatusCode; 3] = [
    StatusCode::FOUND,
    StatusCode::TEMPORARY_REDIRECT,
    StatusCode::PERMANENT_REDIRECT,
];

pub(crate) async fn a_redirect_to_another_origin_is_returned_and_nothing_goes_there<C: ClientUnderTest>() {
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
        // It would trust the others, so that only the redirect itself keeps it from them.
        let mut cluster = cluster(&server);
        cluster.trust = Trust::Insecure;
        let client: C = client(
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
        ] {
            for status in STATUSES {
                server.redirect_with(status, "/away", &location);
                let answer = send(&client, Request::get("/away")).await.unwrap();
                assert_eq!(answer.status, status, "{location}");
                assert_eq!(answer.headers["location"], location.as_str());
                sent += 1;
            }
        }
        assert_eq!((other.connections(), other.failed_handshakes()), (0, 0));
        assert_eq!(plain.connections(), 0);
        assert_eq!(server.requests().len(), sent, "its other name got nothing either");
        assert_eq!(sent, 9);
        for server in [server, other, plain] {
            server.shutdown().await;
        }
    }
}
