//! When a followed configuration looks for changes, and that no reader sees half of one.

use super::*;

#[tokio::test]
async fn a_kubeconfig_that_is_handed_in_anew_is_used_from_the_next_request_on() {
    let world = SimulatedHost::new();
    let handed = ReplaceableKubeconfig::new(with_token("first-token").into_bytes());
    let configuration = kubex::configure_from_kubeconfig()
        .replaceable(&handed)
        .host(world.host())
        .following()
        .await
        .unwrap();
    assert_eq!(token(&configuration).await, "first-token");
    handed.replace(with_token("second-token").into_bytes());
    assert_eq!(token(&configuration).await, "first-token");
    configuration.look_again();
    assert_eq!(token(&configuration).await, "second-token");
    handed.replace_from(with_token("third-token").as_bytes()).unwrap();
    world.advance(MINUTE);
    assert_eq!(token(&configuration).await, "third-token");
    // It is as untrusted as before, and what is not valid changes nothing.
    handed.replace(kubeconfig("https://10.0.0.1:6443", "", "tokenFile: /run/token").into_bytes());
    configuration.look_again();
    assert_eq!(token(&configuration).await, "third-token");
    let report = configuration.current_report().to_string();
    assert!(report.contains("since then: failed: "), "{report}");
    assert!(!format!("{handed:?} {configuration:?} {report}").contains("-token"));
}

#[tokio::test]
async fn looking_again_looks_even_right_after_a_look_and_costs_nothing_if_nothing_changed() {
    let world = world(&with_token("first-token"));
    let configuration = follow(&world).await;
    token(&configuration).await;
    for number in 0..5 {
        world.write(PATH, &with_token(&format!("token-{number}")));
        configuration.look_again();
        assert_eq!(token(&configuration).await, format!("token-{number}"));
    }
    let generation = configuration.credentials().current().await.unwrap().generation();
    configuration.look_again();
    let same = configuration.credentials().current().await.unwrap().generation();
    assert_eq!(generation, same);
}

/// The coarse clock of a real host is some milliseconds late, which must not hide that a look was asked for.
#[tokio::test]
async fn looking_again_before_each_request_looks_each_time_on_a_real_host() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config");
    std::fs::write(&path, with_token("first-token")).unwrap();
    let configuration = kubex::configure_from_kubeconfig()
        .path(&path)
        .following()
        .await
        .unwrap();
    assert_eq!(token(&configuration).await, "first-token");
    for number in 0..100 {
        std::fs::write(&path, with_token(&format!("token-{number}"))).unwrap();
        configuration.look_again();
        assert_eq!(token(&configuration).await, format!("token-{number}"));
    }
}

/// How many pairs are read. `KUBEX_FULL_ROTATION` asks for a long run.
fn reads() -> usize {
    if std::env::var_os("KUBEX_FULL_ROTATION").is_some() {
        500_000
    } else {
        20_000
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_reader_sees_the_token_of_one_writing_and_the_server_of_another() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config");
    let content = |number: usize| {
        let server = format!("https://10.0.0.{}:6443", number % 2);
        kubeconfig(&server, "", &format!("token: token-of-{}-{number}", number % 2))
    };
    std::fs::write(&path, content(0)).unwrap();
    let configuration = kubex::configure_from_kubeconfig()
        .path(&path)
        .follow_rules(FollowRules::new().allow_other_server(true))
        .await
        .unwrap();
    // However fast this machine reads, several writings take place meanwhile.
    let was_rewritten = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let mut configuration = configuration.clone();
            let was_rewritten = Arc::clone(&was_rewritten);
            tokio::spawn(async move {
                let mut servers = std::collections::BTreeSet::new();
                let mut left = reads() / 4;
                let begun = Instant::now();
                while left > 0 || servers.len() < 2 || !was_rewritten.load(Ordering::Relaxed) {
                    assert!(begun.elapsed() < Duration::from_secs(600), "{servers:?}");
                    left = left.saturating_sub(1);
                    if let Some(successor) = configuration.successor() {
                        configuration = successor;
                    }
                    let server = configuration.cluster().server.as_str().to_owned();
                    let token = token(&configuration).await;
                    let of = &server["https://10.0.0.".len()..][..1];
                    assert!(
                        token.starts_with(&format!("token-of-{of}-")),
                        "{token} for {server}"
                    );
                    servers.insert(server);
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let mut number = 0;
    while readers.iter().any(|reader| !reader.is_finished()) {
        number += 1;
        was_rewritten.store(number > 20, Ordering::Relaxed);
        let new = path.with_extension("new");
        std::fs::write(&new, content(number)).unwrap();
        std::fs::rename(&new, &path).unwrap();
        configuration.look_again();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    println!("at least {} reads, {number} writings, 0 mixed pairs", reads());
    for reader in readers {
        reader.await.unwrap();
    }
}

/// A source that counts how often it is resolved.
#[derive(Debug, Default)]
struct Counted(AtomicUsize);

#[async_trait::async_trait]
impl CredentialProvider for Counted {
    async fn resolve(&self, _: ResolveRequest<'_>) -> kubex::Result<ResolvedSource> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let token = Options::new().set("token", "a-token");
        Ok(ResolvedSource::for_server("https://10.0.0.1").identity(Identity::named("static", token)))
    }
}

#[tokio::test]
async fn an_idle_program_looks_for_nothing_and_a_busy_one_about_once_a_minute() {
    let world = SimulatedHost::new();
    let counted = Arc::new(Counted::default());
    let chain = Chain::builder(kubex::registry().unwrap())
        .host(world.host())
        .source(Source::from_provider(
            "counted",
            Arc::clone(&counted) as Arc<dyn CredentialProvider>,
        ))
        .build()
        .unwrap();
    let configuration = chain.follow().await.unwrap();
    token(&configuration).await;
    for _ in 0..60 {
        world.advance(MINUTE);
        tokio::task::yield_now().await;
    }
    let looks = || counted.0.load(Ordering::Relaxed);
    assert_eq!(looks(), 1, "nothing asks, so nothing is resolved");
    for _ in 0..600 {
        world.advance(Duration::from_secs(1));
        token(&configuration).await;
        // The fetch in the background runs on this thread.
        tokio::time::sleep(Duration::from_micros(1)).await;
    }
    let busy = looks() - 1;
    assert!((9..=14).contains(&busy), "{busy} looks in ten minutes");
}
