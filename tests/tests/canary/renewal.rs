//! What is shown while what is in use is renewed: files that change, refreshes that fail.

use std::time::Duration;

use kubex::Options;
use kubex_core::host::SimulatedHost;
use kubex_tests::api_server::ApiServer;

use super::case::{live, one, world};
use super::shown::{Canary as _, FALLBACK, FILE, KEY, Shown, TOKEN};

/// What a live handle says of files that change under it: events, errors, its own description.
#[tokio::test]
async fn files_that_change_while_in_use_show_no_secret() {
    type Change<'a> = (&'a str, Box<dyn Fn(&SimulatedHost) + 'a>);

    let server = ApiServer::builder().start().await.unwrap();
    let (jane, joe) = (
        server.issue_client_certificate("jane", &[]),
        server.issue_client_certificate("joe", &[]),
    );
    let bodies: Vec<String> = [&jane.key, &joe.key]
        .iter()
        .map(|key| key.lines().nth(1).unwrap().chars().take(16).collect())
        .collect();
    let options = Options::new()
        .set("server", server.url())
        .set("token-file", "/token")
        .set("certificate-authority", "/ca.crt")
        .set("client-certificate", "/client.crt")
        .set("client-key", "/client.key");
    let certificates = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
    let changes: Vec<Change<'_>> = vec![
        ("another token", Box::new(|world| world.write("/token", FALLBACK))),
        (
            "a token that cannot travel",
            Box::new(|world| world.write("/token", &format!("{FILE}\u{7}"))),
        ),
        (
            "a token that is not text",
            Box::new(|world| {
                world.write_bytes("/token", &[FILE.as_bytes(), b"\xff"].concat());
            }),
        ),
        (
            "a key of another pair",
            Box::new(|world| world.write("/client.key", &joe.key)),
        ),
        (
            "text that is not a key",
            Box::new(|world| world.write("/client.key", KEY)),
        ),
        (
            "half a key",
            Box::new(|world| world.write("/client.key", &jane.key[..100])),
        ),
        (
            "an authority that is none",
            Box::new(|world| world.write("/ca.crt", KEY)),
        ),
        (
            "an authority of no use",
            Box::new(|world| world.write("/ca.crt", certificates)),
        ),
        (
            "an authority that is gone",
            Box::new(|world| world.remove("/ca.crt")),
        ),
        (
            "a server of another authority",
            Box::new(|_| server.rotate_certificate_authority()),
        ),
    ];
    for (what, change) in changes {
        let world = world();
        world.write("/token", FILE);
        world.write("/ca.crt", &server.ca_pem());
        world.write("/client.crt", &jane.certificate);
        world.write("/client.key", &jane.key);
        let shown = Shown::default();
        let guard = shown.listen();
        let chain = one(&world, "token-file", options.clone()).unwrap();
        let configuration = chain.resolve().await.unwrap();
        let client = kubex::reqwest::Client::new(&configuration).unwrap();
        for round in 0..3 {
            match client.get("/version").unwrap().send().await {
                Ok(answer) => shown.debug(&answer.status()),
                Err(error) => shown.error(&error),
            }
            if round == 0 {
                change(&world);
            }
            world.advance(Duration::from_secs(61));
        }
        shown.debug(&configuration.trust());
        shown.debug(&configuration.trust().current().await);
        shown.debug(&client);
        live(&shown, &world, &configuration).await;
        drop(guard);
        shown.assert_clean(what);
        let text = shown.text();
        for body in &bodies {
            assert!(!text.contains(body), "{what}: a key shows in:\n{text}");
        }
        assert!(
            text.contains("kubex::trust") && text.contains("kubex::credentials"),
            "{what}: {text}"
        );
    }
    server.shutdown().await;
}

#[tokio::test]
async fn a_refresh_that_fails_or_comes_late_shows_no_secret() {
    use kubex_core::faults::{Act, FaultySource};
    use kubex_core::{ClientConfiguration, Cluster, Credential, ErrorKind, ServerUrl};

    let given = || Credential::bearer(TOKEN.into()).unwrap();
    let lasting = |seconds| Act::returns(given()).lasting(Duration::from_secs(seconds));
    for (what, acts) in [
        ("it fails", vec![lasting(100), Act::fails(ErrorKind::Unavailable)]),
        (
            "it comes late",
            vec![
                lasting(100),
                Act::returns(given()).expired_for(Duration::from_secs(5)),
            ],
        ),
        ("it hangs", vec![lasting(100), Act::hangs()]),
        ("it panics", vec![lasting(100), Act::panics()]),
        (
            "it works again",
            vec![lasting(100), Act::fails(ErrorKind::Unavailable), lasting(100)],
        ),
    ] {
        let world = world();
        let shown = Shown::default();
        let guard = shown.listen();
        let source = FaultySource::playing(acts);
        let builder =
            ClientConfiguration::builder(Cluster::new(ServerUrl::parse("https://10.0.0.1").unwrap()));
        let configuration = builder.source(source.clone()).build(&world.host()).unwrap();
        let credentials = configuration.credentials().clone();
        for _ in 0..4 {
            let asked = tokio::spawn({
                let credentials = credentials.clone();
                async move { credentials.current().await }
            });
            for _ in 0..40 {
                tokio::task::yield_now().await;
                if asked.is_finished() {
                    break;
                }
                world.advance(Duration::from_secs(1));
            }
            match asked.await.unwrap() {
                Ok(credential) => shown.debug(&credential),
                Err(error) => shown.error(&error),
            }
            world.advance(Duration::from_secs(101));
        }
        shown.debug(&source);
        shown.debug(&configuration);
        drop(guard);
        shown.assert_clean(what);
    }
}
