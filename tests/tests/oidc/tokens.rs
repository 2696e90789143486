//! Which token is given, and when a new one is asked for.

use kubex::{ErrorKind, Options};
use kubex_tests::issuer::{DISCOVERY_PATH, TOKEN_PATH};

use crate::scene::{HOUR, SECOND, Scene, current, until};

#[tokio::test]
async fn a_valid_id_token_is_given_and_the_issuer_is_not_asked() {
    let scene = Scene::new().await;
    let token = scene.token("jane", 3600);
    let options = scene.options().set("id-token", token.as_str());
    let credentials = scene.credentials(options.set("refresh-token", "r")).await;
    assert_eq!(
        credentials.describe(),
        format!("OIDC issuer {}, client kubernetes", scene.issuer.url())
    );
    assert_eq!(current(&credentials).await.unwrap(), token);
    assert!(scene.issuer.requests().is_empty());
}

#[tokio::test]
async fn an_id_token_is_used_until_ten_seconds_before_its_end() {
    let scene = Scene::new().await;
    let token = scene.token("jane", 1000);
    let credentials = scene
        .credentials(scene.options().set("id-token", token.as_str()))
        .await;
    for _ in 0..989 {
        assert_eq!(current(&credentials).await.unwrap(), token);
        scene.world.advance(SECOND);
    }
    assert_eq!(current(&credentials).await.unwrap(), token);
    scene.world.advance(SECOND);
    let error = current(&credentials).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Expired);
    assert_eq!(
        error.to_string(),
        "company: the id-token has expired or is about to expire, at 2030-01-01T00:16:40Z, and there is no \
         refresh-token to renew it with; the last one expired 0 s ago (the program, id-token); log in again"
    );
    assert!(scene.issuer.requests().is_empty());
}

#[tokio::test]
async fn an_expired_id_token_is_renewed_at_the_endpoint_that_the_issuer_names() {
    let scene = Scene::new().await;
    let fresh = scene.token("jane", 3600);
    scene.issuer.issue([fresh.clone()]);
    let credentials = scene.credentials(scene.expired()).await;
    assert!(scene.issuer.requests().is_empty(), "resolving is passive");

    assert_eq!(current(&credentials).await.unwrap(), fresh);
    let requests = scene.issuer.requests();
    let paths: Vec<_> = requests.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(paths, [DISCOVERY_PATH, TOKEN_PATH]);
    assert!(requests[0].authorization.is_none() && requests[0].form.is_empty());
    let mut form = requests[1].form.clone();
    form.sort();
    let wanted = [
        ("client_id", "kubernetes"),
        ("grant_type", "refresh_token"),
        ("refresh_token", "refresh-0"),
    ];
    assert_eq!(
        form,
        wanted.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );

    let expires_at = credentials.peek().unwrap().expires_at().unwrap();
    let left = expires_at.duration_since(scene.world.host().now().wall);
    assert_eq!(left.unwrap().as_secs(), 3590);
}

#[tokio::test]
async fn a_refresh_token_alone_is_enough() {
    let scene = Scene::new().await;
    let fresh = scene.token("jane", 3600);
    scene.issuer.issue([fresh.clone()]);
    let options = scene
        .options()
        .set("refresh-token", "refresh-0")
        .set("id-token", "");
    assert_eq!(current(&scene.credentials(options).await).await.unwrap(), fresh);
}

#[tokio::test]
async fn a_token_that_expires_soon_is_renewed_while_it_is_still_given() {
    let scene = Scene::new().await;
    let (old, fresh) = (scene.token("old", 1000), scene.token("fresh", 9000));
    scene.issuer.issue([fresh.clone()]);
    let options = scene.options().set("id-token", old.as_str());
    let credentials = scene.credentials(options.set("refresh-token", "refresh-0")).await;
    assert_eq!(current(&credentials).await.unwrap(), old);

    scene.world.advance(900 * SECOND);
    assert_eq!(current(&credentials).await.unwrap(), old);
    until("the new token is there", || {
        credentials.peek().unwrap().generation().number() == 2
    })
    .await;
    assert_eq!(current(&credentials).await.unwrap(), fresh);
    assert_eq!(scene.issuer.requests_of(TOKEN_PATH).len(), 1);
}

#[tokio::test]
async fn each_refresh_uses_the_token_that_the_one_before_was_given() {
    let scene = Scene::new().await;
    scene.issuer.rotate_refresh_tokens();
    scene
        .issuer
        .issue((1..=4).map(|hours| scene.token("jane", hours * 3600)));
    let credentials = scene.credentials(scene.expired()).await;
    for _ in 0..4 {
        current(&credentials).await.unwrap();
        scene.world.advance(HOUR);
    }
    let used: Vec<_> = scene
        .issuer
        .requests_of(TOKEN_PATH)
        .iter()
        .map(|request| request.field("refresh_token").unwrap().to_owned())
        .collect();
    assert_eq!(used, ["refresh-0", "refresh-1", "refresh-2", "refresh-3"]);
}

#[tokio::test]
async fn an_issuer_that_does_not_rotate_is_asked_with_the_same_token_again() {
    let scene = Scene::new().await;
    scene
        .issuer
        .issue((1..=2).map(|hours| scene.token("jane", hours * 3600)));
    let credentials = scene.credentials(scene.expired()).await;
    for _ in 0..2 {
        current(&credentials).await.unwrap();
        scene.world.advance(HOUR);
    }
    let requests = scene.issuer.requests_of(TOKEN_PATH);
    assert_eq!(requests.len(), 2);
    assert!(
        requests
            .iter()
            .all(|request| request.field("refresh_token") == Some("refresh-0"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_tasks_on_an_expired_token_cause_one_refresh() {
    let scene = Scene::new().await;
    let fresh = scene.token("jane", 3600);
    scene.issuer.issue([fresh.clone()]);
    let credentials = scene.credentials(scene.expired()).await;
    let tasks: Vec<_> = (0..1000)
        .map(|_| {
            let credentials = credentials.clone();
            tokio::spawn(async move { current(&credentials).await.unwrap() })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), fresh);
    }
    assert_eq!(scene.issuer.requests_of(TOKEN_PATH).len(), 1);
    assert_eq!(scene.issuer.requests_of(DISCOVERY_PATH).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sources_of_one_user_never_use_one_refresh_token_twice() {
    let scene = Scene::new().await;
    scene.issuer.rotate_refresh_tokens();
    scene
        .issuer
        .issue((1..=2).map(|hours| scene.token("jane", hours * 3600)));
    // The tokens are the user's, independent of who resolves them and how often.
    let expired = scene.expired();
    let mut handles = Vec::new();
    for _ in 0..8 {
        let chain = scene.chain(expired.clone()).unwrap();
        let configuration = chain.resolve().await.unwrap();
        handles.push(configuration.credentials().clone());
    }
    for round in 1..=2 {
        let tasks: Vec<_> = handles
            .iter()
            .cloned()
            .map(|handle| tokio::spawn(async move { current(&handle).await.unwrap() }))
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(scene.issuer.requests_of(TOKEN_PATH).len(), round);
        scene.world.advance(HOUR);
    }
}

#[tokio::test]
async fn users_of_one_issuer_and_client_have_tokens_of_their_own() {
    let scene = Scene::new().await;
    let (jane, joe) = (scene.token("jane", 3600), scene.token("joe", 3600));
    for token in [&jane, &joe, &jane] {
        let options = scene.options().set("id-token", token.as_str());
        assert_eq!(&current(&scene.credentials(options).await).await.unwrap(), token);
    }
}

#[tokio::test]
async fn a_rejected_token_is_renewed_though_it_is_valid_by_its_own_account() {
    let scene = Scene::new().await;
    let (old, fresh) = (scene.token("old", 3600), scene.token("fresh", 3600));
    scene.issuer.issue([fresh.clone()]);
    let options = scene.options().set("id-token", old.as_str());
    let credentials = scene.credentials(options.set("refresh-token", "refresh-0")).await;
    assert_eq!(current(&credentials).await.unwrap(), old);
    credentials.invalidate(credentials.peek().unwrap().generation());
    assert_eq!(current(&credentials).await.unwrap(), fresh);
    assert_eq!(scene.issuer.requests_of(TOKEN_PATH).len(), 1);
}

#[tokio::test]
async fn a_token_that_is_not_a_json_web_token_is_an_error_at_resolving() {
    let scene = Scene::new().await;
    for token in ["opaque", "a.b", "h.!.s", "a.b.c.d"] {
        let options = scene
            .options()
            .set("id-token", token)
            .set("refresh-token", "refresh-0");
        let error = scene.resolve(options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidToken, "{error}");
        assert!(
            error
                .to_string()
                .ends_with("(the program, id-token); log in again"),
            "{error}"
        );
    }
    assert!(scene.issuer.requests().is_empty());
}

#[tokio::test]
async fn a_token_without_an_end_counts_as_expired() {
    let scene = Scene::new().await;
    let endless = "e30.e30.c2ln";
    let error = scene.error(scene.options().set("id-token", endless)).await;
    assert_eq!(error.kind(), ErrorKind::Expired, "{error}");
    let fresh = scene.token("jane", 3600);
    scene.issuer.issue([fresh.clone()]);
    let options = scene
        .options()
        .set("id-token", endless)
        .set("refresh-token", "refresh-0");
    assert_eq!(current(&scene.credentials(options).await).await.unwrap(), fresh);
}

#[tokio::test]
async fn what_is_missing_is_an_error_that_names_it() {
    let scene = Scene::new().await;
    let without = |key: &str| {
        let mut options = scene.expired();
        drop(options.split_off(&[key]));
        options
    };
    let cases: [(Options, &str); 5] = [
        (without("idp-issuer-url"), "set \"idp-issuer-url\""),
        (without("client-id"), "set \"client-id\""),
        (
            scene.expired().set("idp-issuer-url", ""),
            "set \"idp-issuer-url\"",
        ),
        (scene.expired().set("client-id", ""), "set \"client-id\""),
        (scene.options(), "log in, or set \"refresh-token\""),
    ];
    for (options, help) in cases {
        let error = scene.resolve(options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MissingField, "{error}");
        assert_eq!(error.help(), Some(help));
    }
}

#[tokio::test]
async fn an_unknown_option_of_the_chain_is_a_mistake() {
    let scene = Scene::new().await;
    let error = scene
        .resolve(scene.expired().set("idtoken", "x"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownField);
    assert_eq!(error.help(), Some("did you mean \"id-token\"?"));
}
