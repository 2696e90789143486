//! Kubeconfigs: most of them sound, some with a value that does not belong where it is.

use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use crate::scene::PEM;
use crate::shown::MARKER;
use crate::written::{Tree, text};

const NAMES: &[&str] = &["prod", "dev", "jane", "a b", "0777", "日本", "yes", "a.b[0]"];

type Field = BoxedStrategy<Option<(String, Tree)>>;

/// A field that is there in some cases, mostly with a value of its own kind.
fn field(key: &'static str, probability: f64, value: impl Strategy<Value = Tree> + 'static) -> Field {
    let value = prop_oneof![24 => value, 1 => wrong()];
    weighted(probability, value)
        .prop_map(move |value| value.map(|value| (key.to_owned(), value)))
        .boxed()
}

fn mapping(fields: Vec<Field>) -> impl Strategy<Value = Tree> {
    fields
        .prop_map(|fields| fields.into_iter().flatten().collect::<Vec<_>>())
        .prop_shuffle()
        .prop_map(Tree::Map)
}

/// What does not belong there, or counts as nothing.
fn wrong() -> impl Strategy<Value = Tree> {
    prop_oneof![
        Just(Tree::Null),
        Just(Tree::text("")),
        Just(Tree::Number(5)),
        Just(Tree::Flag(true)),
        Just(Tree::List(Vec::new())),
        Just(Tree::Map(Vec::new())),
        Just(Tree::List(vec![Tree::text("a")])),
        text().prop_map(Tree::Text),
    ]
}

fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = Tree> + Clone {
    select(texts).prop_map(Tree::text)
}

fn flag() -> impl Strategy<Value = Tree> {
    prop_oneof![3 => any::<bool>().prop_map(Tree::Flag), 1 => any::<bool>().prop_map(Tree::Word)]
}

fn any_text() -> impl Strategy<Value = Tree> {
    text().prop_map(Tree::Text)
}

fn list(items: impl Strategy<Value = Tree>) -> impl Strategy<Value = Tree> {
    proptest::collection::vec(items, 0..3).prop_map(Tree::List)
}

fn cluster() -> impl Strategy<Value = Tree> {
    const SERVERS: &[&str] = &[
        "https://prod.example:6443",
        "https://[fd00::1]:6443/prefix?a=b#c",
        "http://plain.example",
        "host:6443",
        "https://",
    ];
    let extension = mapping(vec![
        field(
            "name",
            0.9,
            one_of(&["a", "b", "client.authentication.k8s.io/exec"]),
        ),
        field("extension", 0.9, wrong()),
    ]);
    mapping(vec![
        field(
            "server",
            0.97,
            prop_oneof![6 => Just(Tree::text(SERVERS[0])), 2 => one_of(SERVERS)],
        ),
        field("tls-server-name", 0.2, one_of(&["name.example"])),
        field("insecure-skip-tls-verify", 0.2, flag()),
        field("certificate-authority-data", 0.3, one_of(&[PEM, PEM, "!"])),
        field("certificate-authority", 0.05, one_of(&["ca.crt"])),
        field(
            "proxy-url",
            0.2,
            one_of(&["http://proxy:8080", "socks5://proxy:1080", "ftp://proxy", "proxy"]),
        ),
        field("disable-compression", 0.2, flag()),
        field("extensions", 0.2, list(extension)),
        field("Server", 0.05, any_text()),
        field("note", 0.05, any_text()),
    ])
}

fn user() -> impl Strategy<Value = Tree> {
    let variable = mapping(vec![
        field("name", 0.95, one_of(&["A", "B"])),
        field("value", 0.9, any_text()),
    ]);
    let exec = mapping(vec![
        field("command", 0.97, one_of(&["plugin", "./plugin", "/bin/plugin"])),
        field(
            "apiVersion",
            0.97,
            one_of(&[
                "client.authentication.k8s.io/v1",
                "client.authentication.k8s.io/v1beta1",
            ]),
        ),
        field(
            "interactiveMode",
            0.8,
            one_of(&["Never", "IfAvailable", "Always", "Sometimes"]),
        ),
        field("args", 0.5, list(any_text())),
        field("env", 0.5, list(variable)),
        field("installHint", 0.2, any_text()),
        field("provideClusterInfo", 0.3, flag()),
        field("policy", 0.1, any_text()),
    ]);
    let auth_provider = mapping(vec![
        field("name", 0.95, one_of(&["vault", "vault", "gcp", "other"])),
        field(
            "config",
            0.8,
            mapping(vec![field("a", 0.7, any_text()), field("b", 0.5, any_text())]),
        ),
    ]);
    let extra = mapping(vec![
        field("scopes", 0.8, list(any_text())),
        field("a/b", 0.4, list(any_text())),
    ]);
    mapping(vec![
        field("token", 0.5, any_text()),
        field("tokenFile", 0.1, one_of(&["token", "/token"])),
        field("username", 0.1, any_text()),
        field("password", 0.1, any_text()),
        field("client-certificate-data", 0.1, one_of(&[PEM])),
        field("client-key-data", 0.1, one_of(&[PEM])),
        field("client-certificate", 0.05, one_of(&["c.crt"])),
        field("client-key", 0.05, one_of(&["../c.key"])),
        field("exec", 0.2, exec),
        field("auth-provider", 0.1, auth_provider),
        field("as", 0.2, one_of(&["joe", "é"])),
        field("as-uid", 0.1, any_text()),
        field("as-groups", 0.1, list(one_of(&["a", "b"]))),
        field("as-user-extra", 0.1, extra),
        field("Token", 0.05, any_text()),
    ])
}

fn context() -> impl Strategy<Value = Tree> {
    mapping(vec![
        field("cluster", 0.98, one_of(&NAMES[..4])),
        field("user", 0.95, one_of(&NAMES[..4])),
        field("namespace", 0.5, one_of(&["team-a", "default"])),
        field("Namespace", 0.05, any_text()),
    ])
}

/// A list of entries, each name once.
fn entries<S: Strategy<Value = Tree> + 'static>(
    inner: &'static str,
    each: fn() -> S,
    probability: f64,
) -> impl Strategy<Value = Tree> {
    let entry = move |name: &'static str| {
        weighted(
            probability,
            mapping(vec![
                Just(Some(("name".to_owned(), Tree::text(name)))).boxed(),
                field(inner, 0.98, each()),
            ]),
        )
        .boxed()
    };
    let all: Vec<_> = NAMES.iter().map(|name| entry(name)).collect();
    all.prop_map(|all| all.into_iter().flatten().collect::<Vec<_>>())
        .prop_shuffle()
        .prop_map(Tree::List)
}

fn lists(probability: f64) -> Vec<Field> {
    let some = |key: &'static str, list: BoxedStrategy<Tree>| {
        list.prop_map(move |list| Some((key.to_owned(), list))).boxed()
    };
    vec![
        some("contexts", entries("context", context, probability).boxed()),
        some("clusters", entries("cluster", cluster, probability).boxed()),
        some("users", entries("user", user, probability).boxed()),
    ]
}

/// A kubeconfig that says much of what a kubeconfig can say.
pub(crate) fn kubeconfig() -> impl Strategy<Value = Tree> {
    let mut fields = lists(0.85);
    fields.extend([
        field("current-context", 0.97, one_of(&NAMES[..4])),
        field("kind", 0.8, one_of(&["Config"])),
        field("apiVersion", 0.8, one_of(&["v1"])),
        field("preferences", 0.3, Just(Tree::Map(Vec::new()))),
        field("extensions", 0.1, wrong()),
        field("context", 0.03, any_text()),
    ]);
    mapping(fields)
}

/// One of several kubeconfigs that belong together: a part of the entries, and perhaps a current context.
pub(crate) fn part() -> impl Strategy<Value = Tree> {
    let mut fields = lists(0.4);
    let current = weighted(0.6, one_of(&["", "prod", "dev", "jane"]));
    fields.push(
        current
            .prop_map(|name| name.map(|name| ("current-context".to_owned(), name)))
            .boxed(),
    );
    mapping(fields)
}

/// A kubeconfig with a secret in every field that can hold one.
pub(crate) fn planted() -> impl Strategy<Value = Tree> {
    let secret = || Tree::text(&MARKER.repeat(6));
    let secrets = |keys: &[&str]| -> Vec<(String, Tree)> {
        keys.iter().map(|key| ((*key).to_owned(), secret())).collect()
    };
    let pair = |key: &str, value: Tree| (key.to_owned(), value);
    let exec = {
        let mut fields = secrets(&["note"]);
        fields.push(pair("command", Tree::text("/bin/plugin")));
        fields.push(pair("apiVersion", Tree::text("client.authentication.k8s.io/v1")));
        fields.push(pair("interactiveMode", Tree::text("Never")));
        fields.push(pair("args", Tree::List(vec![Tree::text("--password"), secret()])));
        let variable = vec![pair("name", Tree::text("PASSWORD")), pair("value", secret())];
        fields.push(pair("env", Tree::List(vec![Tree::Map(variable)])));
        Tree::Map(vec![pair("exec", Tree::Map(fields))])
    };
    let auth_provider = {
        let config = Tree::Map(secrets(&["id-token", "refresh-token", "client-secret"]));
        let fields = vec![pair("name", Tree::text("oidc")), pair("config", config)];
        Tree::Map(vec![pair("auth-provider", Tree::Map(fields))])
    };
    let basic = {
        let mut fields = secrets(&["password", "Token"]);
        fields.push(pair("username", Tree::text("jane")));
        Tree::Map(fields)
    };
    let users = vec![
        Tree::Map(secrets(&["token", "token-file", "note"])),
        Tree::Map(secrets(&["client-certificate-data", "client-key-data"])),
        basic,
        exec,
        auth_provider,
    ];
    (select(NAMES), Just(users).prop_shuffle(), 0..5_usize).prop_map(move |(name, users, chosen)| {
        let proxy = Tree::Text(format!("http://{0}:{0}@proxy:8080", MARKER.repeat(3)));
        let cluster = vec![
            pair("server", Tree::text("https://prod.example:6443")),
            pair("proxy-url", proxy),
            pair("certificate-authority-data", Tree::text(PEM)),
            pair(
                "extensions",
                Tree::List(vec![Tree::Map(vec![
                    pair("name", Tree::text("a")),
                    pair("extension", Tree::Map(vec![pair("b", secret())])),
                ])]),
            ),
        ];
        let named = |name: &str, key: &str, value: Tree| {
            Tree::Map(vec![pair("name", Tree::text(name)), pair(key, value)])
        };
        let users = users
            .into_iter()
            .enumerate()
            .map(|(index, user)| named(&format!("user-{index}"), "user", user));
        let context = vec![
            pair("cluster", Tree::text(name)),
            pair("user", Tree::Text(format!("user-{chosen}"))),
        ];
        Tree::Map(vec![
            pair("apiVersion", Tree::text("v1")),
            pair("current-context", Tree::text(name)),
            pair(
                "clusters",
                Tree::List(vec![named(name, "cluster", Tree::Map(cluster))]),
            ),
            pair(
                "contexts",
                Tree::List(vec![named(name, "context", Tree::Map(context))]),
            ),
            pair("users", Tree::List(users.collect())),
            pair("note", secret()),
        ])
    })
}
