//! What a source may say: its provider, paths, secrets by reference, limits, and what stands in its place.

use kubex::config::Configuration;
use kubex::{ErrorKind, ExposeSecret as _, Options};
use kubex_core::host::{Exit, ProcessOutput, SimulatedHost};

use super::{MACHINE, USER, answer, kubeconfig, resolve, world};

#[tokio::test]
async fn a_source_that_is_off_is_known_and_not_asked() {
    let world = world();
    world.write(
        MACHINE,
        "chain: [bg, kubeconfig]\nsources:\n  bg: {provider: my-vault, enabled: false, role: x}\n",
    );
    assert_eq!(answer(&world).await.0, "kubeconfig");
    let configuration = Configuration::load(&world.host()).await.unwrap();
    let sources = configuration.sources();
    let bg = &sources[0];
    assert_eq!(
        (bg.name.as_str(), bg.provider.as_str(), bg.is_enabled, bg.position),
        ("bg", "my-vault", false, Some(0))
    );
    assert_eq!(bg.origin.to_string(), "/etc/kubex/config.yaml:3:3, sources.bg");
    world.set_variable("KUBEX_SOURCES__BG__ENABLED", "true");
    assert_eq!(
        resolve(&world).await.unwrap_err().kind(),
        ErrorKind::UnknownProvider
    );
}

#[tokio::test]
async fn paths_are_those_that_their_file_means() {
    let world = world();
    world.set_variable("DIR", "/srv/kube");
    world.write("/etc/kubex/one", &kubeconfig("relative"));
    world.write("/home/jane/.kube/config.d/b.yaml", &kubeconfig("glob-b"));
    world.write("/home/jane/.kube/config.d/a.yaml", &kubeconfig("glob-a"));
    world.write("/srv/kube/config", &kubeconfig("variable"));
    for (paths, server) in [
        ("[one]", "https://relative-dev"),
        ("[~/.kube/config]", "https://home-dev"),
        ("['~/.kube/config.d/*.yaml']", "https://glob-a-dev"),
        ("[nowhere, '${DIR}/config', one]", "https://variable-dev"),
        ("['~/.kube/none.d/*.yaml', one]", "https://relative-dev"),
    ] {
        world.write(MACHINE, &format!("sources: {{kubeconfig: {{paths: {paths}}}}}\n"));
        assert_eq!(answer(&world).await.1, server, "{paths}");
    }
    world.write(
        MACHINE,
        "chain: [kubeconfig]\nsources: {kubeconfig: {paths: ['~/.kube/none.d/*.yaml']}}\n",
    );
    let error = resolve(&world).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("/home/jane/.kube/none.d/*.yaml does not exist"),
        "{error}"
    );
}

#[tokio::test]
async fn a_value_that_a_later_file_takes_over_is_relative_to_that_file() {
    let world = world();
    world.write(
        MACHINE,
        "chain: [a]\nsources: {a: {provider: token-file, server: 'https://a', token-file: token}}\n",
    );
    world.write("/etc/kubex/token", "from-the-machine");
    world.write("/home/jane/.config/kubex/token", "from-the-user");
    assert_eq!(answer(&world).await.2, "from-the-machine");
    world.write(USER, "sources: {a: {token-file: token}}\n");
    assert_eq!(answer(&world).await.2, "from-the-user");
}

#[tokio::test]
async fn a_secret_comes_from_the_variable_or_the_file_that_is_named() {
    let world = world();
    world.set_variable("BG_TOKEN", "from-a-variable");
    world.write(
        MACHINE,
        "chain: [bg]\nsources:\n  bg: {provider: static, server: 'https://bg', token-env: BG_TOKEN}\n",
    );
    assert_eq!(answer(&world).await.2, "from-a-variable");

    world.write(
        MACHINE,
        "chain: [bg]\nsources:\n  bg: {provider: static, server: 'https://bg', token-file: bg}\n",
    );
    world.write("/etc/kubex/bg", "from-a-file\n");
    let configuration = resolve(&world).await.unwrap();
    let credentials = configuration.credentials();
    let token = async || {
        let credential = credentials.current().await.unwrap();
        credential.token().unwrap().expose_secret().to_owned()
    };
    assert_eq!(token().await, "from-a-file");
    world.write("/etc/kubex/bg", "rotated\n");
    world.advance(std::time::Duration::from_secs(61));
    assert_eq!(token().await, "rotated");

    world.write(
        MACHINE,
        "overrides: {token-env: BG_TOKEN, proxy-url-env: BG_PROXY}\n",
    );
    world.set_variable("BG_PROXY", "http://jane:pw@proxy:3128");
    let configuration = resolve(&world).await.unwrap();
    let credential = configuration.credentials().current().await.unwrap();
    assert_eq!(credential.token().unwrap().expose_secret(), "from-a-variable");
    let proxy = configuration.cluster().proxy.as_ref().unwrap();
    assert_eq!(proxy.expose_url().password(), Some("pw"));
    assert_eq!(
        configuration.provenance().origin_of("token").unwrap().to_string(),
        "$BG_TOKEN"
    );
    world.unset_variable("BG_TOKEN");
    assert_eq!(resolve(&world).await.unwrap_err().kind(), ErrorKind::MissingField);
}

#[tokio::test]
async fn a_variable_that_is_not_set_stops_the_chain_where_its_source_is_asked_and_nowhere_else() {
    let world = world();
    let sources = "sources: {bg: {provider: static, server: 'https://bg', token-env: BG_TOKEN}}\n";
    world.write(MACHINE, &format!("chain: [kubeconfig, bg]\n{sources}"));
    assert_eq!(answer(&world).await.0, "kubeconfig");
    world.write(MACHINE, &format!("chain: [bg, kubeconfig]\n{sources}"));
    let error = resolve(&world).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.source_name()),
        (ErrorKind::MissingField, Some("bg"))
    );
    assert_eq!(error.report().unwrap().attempts().len(), 2);
}

#[tokio::test]
async fn the_program_may_give_a_secret_as_it_is() {
    let world = world();
    let code = Options::new()
        .set("chain", vec!["bg"])
        .set("sources.bg.provider", "static")
        .set("sources.bg.server", "https://bg")
        .set("sources.bg.token", "given");
    let configuration = Configuration::load(&world.host())
        .await
        .unwrap()
        .with(code)
        .unwrap();
    let entries = configuration.entries(&kubex::registry().unwrap());
    let entry = entries
        .iter()
        .find(|entry| entry.key == "sources.bg.token")
        .unwrap();
    assert_eq!(entry.shown, "[masked]");
    let chain = configuration
        .chain(kubex::registry().unwrap())
        .unwrap()
        .build()
        .unwrap();
    let credential = chain
        .resolve()
        .await
        .unwrap()
        .credentials()
        .current()
        .await
        .unwrap();
    assert_eq!(credential.token().unwrap().expose_secret(), "given");
}

#[tokio::test]
async fn every_source_takes_the_options_of_the_cluster_and_the_chains_overrides_win() {
    let world = world();
    world.write(
        MACHINE,
        "sources:\n  kubeconfig: {server: 'https://other', tls-server-name: inner, as: joe, namespace: team-a}\n  \
         in-cluster: {server: 'https://elsewhere', as: joe}\n",
    );
    let configuration = resolve(&world).await.unwrap();
    assert_eq!(configuration.cluster().server.as_str(), "https://other");
    assert_eq!(configuration.cluster().tls_server_name.as_deref(), Some("inner"));
    assert_eq!(configuration.namespace(), "team-a");
    assert_eq!(configuration.impersonation().unwrap().user, "joe");
    let origin = configuration
        .provenance()
        .origin_of("tls-server-name")
        .unwrap()
        .to_string();
    assert_eq!(
        origin,
        "/etc/kubex/config.yaml:2:41, sources.kubeconfig.tls-server-name"
    );

    world.write(USER, "overrides: {as: jane, tls-server-name: outer}\n");
    let configuration = resolve(&world).await.unwrap();
    let cluster = configuration.cluster();
    assert_eq!(
        (cluster.server.as_str(), cluster.tls_server_name.as_deref()),
        ("https://other", Some("outer"))
    );
    assert_eq!(configuration.impersonation().unwrap().user, "jane");
    world.remove("/home/jane/.kube");
    let configuration = resolve(&world).await.unwrap();
    assert_eq!(configuration.cluster().server.as_str(), "https://elsewhere");
    assert_eq!(configuration.impersonation().unwrap().user, "jane");
}

#[tokio::test]
async fn what_a_program_overrides_later_still_wins_over_a_sources_own() {
    let world = world();
    world.write(
        MACHINE,
        "sources: {kubeconfig: {server: 'https://other', insecure-skip-tls-verify: true}}\n",
    );
    let configuration = Configuration::load(&world.host()).await.unwrap();
    let chain = configuration.chain(kubex::registry().unwrap()).unwrap();
    let chain = chain.overrides(Options::new().set("server", "https://last").set("namespace", "x"));
    let configuration = chain.build().unwrap().resolve().await.unwrap();
    assert_eq!(configuration.cluster().server.as_str(), "https://last");
    assert!(matches!(configuration.cluster().trust, kubex::Trust::Insecure));
}

#[tokio::test]
async fn a_source_has_the_time_that_it_is_given() {
    use async_trait::async_trait;
    use kubex::{CredentialProvider, Host, ResolveRequest, ResolvedSource, Result, Source};
    use std::sync::Arc;
    use std::time::Duration;

    #[derive(Debug)]
    struct Slow(Host);

    #[async_trait]
    impl CredentialProvider for Slow {
        async fn resolve(&self, _: ResolveRequest<'_>) -> Result<ResolvedSource> {
            self.0.clock().sleep(Duration::from_secs(20)).await;
            Err(kubex::Error::not_configured("slept"))
        }
    }

    for (limit, expected) in [(Some(5), ErrorKind::TimedOut), (None, ErrorKind::Exhausted)] {
        let world = SimulatedHost::new();
        let slow = Arc::new(Slow(world.host()));
        let mut source = Source::from_provider("slow", slow);
        if let Some(limit) = limit {
            source = source.timeout(Duration::from_secs(limit));
        }
        let chain = kubex::Chain::builder(kubex::registry().unwrap()).host(world.host());
        let chain = chain.source(source).build().unwrap();
        let resolving = tokio::spawn(async move { chain.resolve().await });
        for _ in 0..25 {
            tokio::task::yield_now().await;
            world.advance(Duration::from_secs(1));
        }
        assert_eq!(resolving.await.unwrap().unwrap_err().kind(), expected);
    }
}

#[tokio::test]
async fn the_rules_for_plugins_reach_every_plugin_of_the_chain() {
    let world = world();
    world.install_program("/usr/bin/aws");
    world.run_processes(|_| {
        let answer = r#"{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "by-a-plugin"}}"#;
        Ok(ProcessOutput { exit: Exit::Status(0), output: answer.as_bytes().to_vec().into(), error: Vec::new().into() })
    });
    let chain = "chain: [eks]\nsources: {eks: {provider: exec, server: 'https://eks', command: aws}}\n";
    let ask = async |rules: &str| {
        world.write(MACHINE, &format!("{chain}{rules}"));
        resolve(&world).await.unwrap().credentials().current().await
    };
    for (rules, is_allowed) in [
        ("", true),
        ("exec: {policy: allow-all}\n", true),
        ("exec: {policy: deny-all}\n", false),
        (
            "exec: {policy: allowlist, allowlist: [{command: /usr/bin/aws}], deadline: 30s}\n",
            true,
        ),
        (
            "exec: {policy: allowlist, allowlist: [{command: /usr/local/bin/aws}]}\n",
            false,
        ),
    ] {
        match ask(rules).await {
            Ok(credential) => assert!(is_allowed && credential.token().is_some(), "{rules}"),
            Err(error) => assert!(
                !is_allowed && error.kind() == ErrorKind::Refused,
                "{rules}: {error}"
            ),
        }
    }
    // The same for a plugin that a kubeconfig names, and on whichever host the chain is put afterwards.
    world.write(
        "/home/jane/.kube/config",
        "current-context: c\nclusters: [{name: c, cluster: {server: 'https://c'}}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n\
         users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, interactiveMode: Never}}}]\n",
    );
    world.write(MACHINE, "exec: {policy: deny-all}\n");
    let configuration = Configuration::load(&world.host()).await.unwrap();
    assert!(configuration.plugin_rules().is_some());
    let chain = configuration
        .chain(kubex::registry().unwrap())
        .unwrap()
        .host(world.host())
        .build()
        .unwrap();
    let configuration = chain.resolve().await.unwrap();
    let error = configuration.credentials().current().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(world.runs(), 3);
}

#[tokio::test]
async fn what_is_shown_of_a_configuration_hides_what_may_be_a_secret() {
    let world = world();
    world.set_variable("KUBEX_SOURCES__A__TOKEN", "s3cr3t-variable");
    world.write(
        MACHINE,
        "chain: [a]\nsources:\n  a: {provider: static, server: 'https://a', password-env: PW}\n  b:\n    provider: exec\n    \
         args: [get, --token, s3cr3t-argument]\n    env: [{name: A, value: s3cr3t-value}]\n    proxy-url: 'http://proxy:3128'\n  \
         c: {provider: unheard-of, api-key: s3cr3t-key, role: deployer}\n  d: {provider: static, token-env: s3cr3t-by-mistake}\n",
    );
    let configuration = Configuration::load(&world.host()).await.unwrap();
    let entries = configuration.entries(&kubex::registry().unwrap());
    let shown: Vec<String> = entries.iter().map(ToString::to_string).collect();
    let shown = shown.join("\n");
    assert!(!shown.contains("s3cr3t"), "{shown}");
    assert!(!format!("{configuration:?}").contains("s3cr3t"));
    for expected in [
        "chain: [\"a\"] (/etc/kubex/config.yaml:1:1, chain)",
        "sources.a.token: [masked] ($KUBEX_SOURCES__A__TOKEN)",
        "sources.a.password-env: PW (/etc/kubex/config.yaml:3:46, sources.a.password-env)",
        "sources.b.args: [\"get\",\"--token\",\"[masked]\"]",
        "sources.b.env: [{\"name\":\"A\",\"value\":\"[masked]\"}]",
        "sources.c.api-key: [masked]",
        "sources.c.role: [masked]",
        "sources.c.provider: unheard-of",
        "sources.d.token-env: [masked]",
    ] {
        assert!(shown.contains(expected), "{expected} is not in:\n{shown}");
    }
}

#[tokio::test]
async fn a_policy_of_a_later_layer_puts_the_allowlist_out_of_force_with_a_warning() {
    const CHAIN: &str =
        "chain: [eks]\nsources: {eks: {provider: exec, server: 'https://eks', command: aws}}\n";
    let asked = async |listed: &str, profiles: &str, variables: &[(&str, &str)]| {
        let world = world();
        world.install_program("/usr/bin/aws");
        world.run_processes(|_| {
            let answer = r#"{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "by-a-plugin"}}"#;
            Ok(ProcessOutput { exit: Exit::Status(0), output: answer.as_bytes().to_vec().into(), error: Vec::new().into() })
        });
        world.write(
            MACHINE,
            &format!("{CHAIN}exec: {{policy: allowlist, allowlist: [{{command: {listed}}}]}}\n{profiles}"),
        );
        for (name, value) in variables {
            world.set_variable(name, value);
        }
        let configuration = resolve(&world).await.unwrap();
        let warnings = configuration.warnings().iter();
        let warnings: Vec<String> = warnings.map(ToString::to_string).collect();
        (configuration.credentials().current().await.is_ok(), warnings)
    };
    for (listed, policy, is_allowed) in [
        ("/usr/bin/aws", "deny-all", false),
        ("/usr/bin/aws", "DenyAll", false),
        ("/usr/local/bin/aws", "allow-all", true),
    ] {
        let (found, warnings) = asked(listed, "", &[("KUBEX_EXEC__POLICY", policy)]).await;
        assert_eq!(found, is_allowed, "{policy}");
        let [warning] = warnings.as_slice() else {
            panic!("{warnings:?}");
        };
        for part in [
            "not in force",
            policy,
            "$KUBEX_EXEC__POLICY",
            "exec.allowlist",
            MACHINE,
        ] {
            assert!(warning.contains(part), "{part}: {warning}");
        }
    }
    // A profile is a later layer too. A layer that sets no other policy leaves the list in force.
    let profiles = "profiles: {locked: {exec: {policy: deny-all}}, slow: {exec: {deadline: 1m}}}\n";
    for (variables, is_allowed, count) in [
        (&[][..], true, 0),
        (&[("KUBEX_PROFILE", "locked")], false, 1),
        (&[("KUBEX_PROFILE", "slow")], true, 0),
        (
            &[("KUBEX_PROFILE", "slow"), ("KUBEX_EXEC__POLICY", "allowlist")],
            true,
            0,
        ),
    ] {
        let (found, warnings) = asked("/usr/bin/aws", profiles, variables).await;
        assert_eq!(
            (found, warnings.len()),
            (is_allowed, count),
            "{variables:?} {warnings:?}"
        );
    }
}
