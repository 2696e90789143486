//! Secrets in kubeconfigs, right and wrong.

use kubex::Options;
use kubex_core::host::Exit;

use super::case::{live, one, run, world};
use super::exec::output;
use super::shown::{
    AUTH_PROVIDER, Canary as _, ENVIRONMENT, FALLBACK, FILE, KEY, OUTPUT, PASSWORD, PROXY, Shown, TOKEN,
    UNKNOWN_FIELD,
};

#[tokio::test]
async fn kubeconfig_in_memory_shows_no_secret_even_if_it_is_given_as_its_own_name() {
    let document = format!(
        "current-context: prod\nclusters: [{{name: prod, cluster: {{server: 'https://prod.example'}}}}]\n\
         contexts: [{{name: prod, context: {{cluster: prod, user: jane}}}}]\n\
         users: [{{name: jane, user: {{token: {TOKEN}}}}}]\n"
    );
    let broken = document.replace("user: jane}", "user: jan}");
    for (name, document) in [
        ("secret team-a/kubeconfig", &document),
        ("secret team-a/kubeconfig", &broken),
        (document.as_str(), &document),
        (broken.as_str(), &broken),
    ] {
        let world = world();
        let shown = Shown::default();
        let guard = shown.listen();
        let builder = kubex::configure_from_kubeconfig()
            .bytes(document.clone().into_bytes())
            .named(name)
            .host(world.host());
        shown.debug(&builder);
        match builder.await {
            Ok(configuration) => live(&shown, &world, &configuration).await,
            Err(error) => shown.error(&error),
        }
        drop(guard);
        shown.assert_clean("a kubeconfig in memory");
    }
}

#[tokio::test]
async fn kubeconfig_shows_no_secret() {
    let users = [
        format!("{{token: {TOKEN}}}"),
        format!("{{token: {TOKEN}, username: jane, password: {PASSWORD}}}"),
        format!("{{username: jane, password: {PASSWORD}}}"),
        format!("{{token: [{TOKEN}]}}"),
        format!("{{token: {{{TOKEN}: {TOKEN}}}}}"),
        format!("{{token: \"{TOKEN}\\n\"}}"),
        format!("{{Token: {UNKNOWN_FIELD}, pasword: {UNKNOWN_FIELD}}}"),
        format!("{{client-certificate-data: {KEY}, client-key-data: {KEY}}}"),
        format!("{{client-key-data: {KEY}}}"),
        format!("{{client-certificate-data: {KEY}}}"),
        format!("{{tokenFile: /token, token: {FALLBACK}}}"),
        format!("{{auth-provider: {{name: gcp, config: {{access-token: {AUTH_PROVIDER}}}}}}}"),
        format!("{{auth-provider: {{name: oidc, config: {{client-secret: {AUTH_PROVIDER}}}}}}}"),
        format!(
            "{{exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: login, \
             env: [{{name: A, value: {ENVIRONMENT}}}]}}}}"
        ),
        format!(
            "{{token: {TOKEN}, exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, \
             command: login, env: [{{name: A, value: {ENVIRONMENT}}}]}}}}"
        ),
        format!("{{exec: {{command: login, env: {ENVIRONMENT}}}}}"),
        format!("{{exec: {{command: login, env: [{{name: A, value: [{ENVIRONMENT}]}}]}}}}"),
    ];
    let rest = format!(
        "current-context: prod\nclusters: [{{name: prod, cluster: {{server: 'https://prod.example', \
         proxy-url: 'http://jane:{PROXY}@proxy:3128', unheard-of: {UNKNOWN_FIELD}}}}}]\n\
         contexts: [{{name: prod, context: {{cluster: prod, user: jane}}}}]\n"
    );
    let mut documents: Vec<(String, String)> = users
        .iter()
        .map(|user| {
            (
                user.split(':').next().unwrap_or_default().to_owned(),
                format!("{rest}users: [{{name: jane, user: {user}}}]\n"),
            )
        })
        .collect();
    let good = format!("{rest}users: [{{name: jane, user: {{token: {TOKEN}}}}}]\n");
    documents.extend([
        (
            "two of one name".to_owned(),
            good.replace(
                "users: [",
                &format!("users: [{{name: jane, user: {{token: {TOKEN}}}}}, "),
            ),
        ),
        ("no such user".to_owned(), good.replace("user: jane", "user: jan")),
        (
            "no such context".to_owned(),
            good.replace("current-context: prod", "current-context: prd"),
        ),
        ("cut short".to_owned(), good[..good.len() - 4].to_owned()),
        (
            "bad indentation".to_owned(),
            format!("users:\n- name: jane\n  user:\n    token: {TOKEN}\n   password: {PASSWORD}\n"),
        ),
        (
            "a tab".to_owned(),
            format!("users:\n- name: jane\n\ttoken: {TOKEN}\n"),
        ),
        ("a list".to_owned(), format!("- {TOKEN}\n")),
        ("a text".to_owned(), TOKEN.to_owned()),
        (
            "broken JSON".to_owned(),
            format!("{{\"users\": [{{\"name\": \"jane\", \"user\": {{\"token\": \"{TOKEN}\""),
        ),
        ("an alias to nothing".to_owned(), format!("users: *{TOKEN}\n")),
        ("a tag".to_owned(), format!("users: !{TOKEN} x\n")),
        (
            "token as name".to_owned(),
            format!("{good}kind: {UNKNOWN_FIELD}\n"),
        ),
    ]);
    for (what, document) in documents {
        let world = world();
        world.install_program("/usr/bin/login");
        world.run_processes(move |_| Ok(output(Exit::Status(1), OUTPUT, ENVIRONMENT)));
        world.write("/token", FILE);
        world.write("/home/jane/.kube/config", &document);
        run(&what, &world, || one(&world, "kubeconfig", Options::new())).await;
    }
}
