//! All pairs of an override and a field: the table in `docs/kubeconfig.md`, and the same pairs with kubectl.

use kubex_tests::kubectl::Kubectl;

use super::case::Case;
use super::decisions::{Verdict, judge};
use super::picks::{SERVER, TRUST};
use super::world::{Outcome, World};
use super::{kubectl, runtime};

/// The fields of a user, by the head of their column.
const USERS: &[(&str, &[&str])] = &[
    ("nothing", &["extensions: []"]),
    ("`token`", &["token: abc"]),
    ("`tokenFile`", &["tokenFile: '{dir}/token'"]),
    ("`username`, `password`", &["username: jane", "password: secret"]),
    (
        "client certificate",
        &["client-certificate-data: {certificate}", "client-key-data: {key}"],
    ),
    (
        "`exec`",
        &["exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: '{dir}/plugins/token-beta'}"],
    ),
];

/// Overrides of the user, by the head of their row.
const USER_OVERRIDES: &[(&str, &[&str])] = &[
    ("`token`", &["token=flag"]),
    ("`username`", &["username=joe"]),
    ("`password`", &["password=flag-secret"]),
    (
        "`username`, `password`",
        &["username=joe", "password=flag-secret"],
    ),
    ("`client-certificate`", &["client-certificate={dir}/flag.crt"]),
    ("`client-key`", &["client-key={dir}/flag.key"]),
    (
        "`client-certificate`, `client-key`",
        &["client-certificate={dir}/flag.crt", "client-key={dir}/flag.key"],
    ),
    ("`token`, `username`", &["token=flag", "username=joe"]),
];

/// What each cluster trusts.
const CLUSTERS: &[&[&str]] = &[
    &[SERVER],
    &[SERVER, TRUST],
    &[SERVER, "certificate-authority: '{dir}/ca.crt'"],
    &[SERVER, "certificate-authority-data: {other-ca}"],
    &[SERVER, "insecure-skip-tls-verify: true"],
    &[SERVER, TRUST, "insecure-skip-tls-verify: true"],
    &[SERVER, TRUST, "tls-server-name: localhost"],
    &[SERVER, TRUST, "tls-server-name: other.test"],
    &[SERVER, TRUST, "proxy-url: http://{http-proxy}"],
    &["server: http://127.0.0.1:{plain-port}", TRUST],
];

const CLUSTER_OVERRIDES: &[&[&str]] = &[
    &["certificate-authority={dir}/ca.crt"],
    &["certificate-authority={dir}/other-ca.crt"],
    &["insecure-skip-tls-verify=true"],
    &["insecure-skip-tls-verify=false"],
    &[
        "insecure-skip-tls-verify=false",
        "certificate-authority={dir}/ca.crt",
    ],
    &[
        "insecure-skip-tls-verify=true",
        "certificate-authority={dir}/ca.crt",
    ],
    &["tls-server-name=localhost"],
    &["tls-server-name=other.test"],
    &["server=https://localhost:{port}/flag"],
    &["server=http://127.0.0.1:{plain-port}"],
];

#[test]
fn the_table_of_overrides_and_fields_is_what_both_do() {
    let Some(kubectl) = kubectl("the table of overrides, compared with kubectl") else {
        return;
    };
    let table = runtime().block_on(table(&kubectl));
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/kubeconfig.md");
    let page = std::fs::read_to_string(page).expect("the page");
    assert!(
        page.contains(&table),
        "docs/kubeconfig.md does not have this table:\n{table}"
    );
}

async fn table(kubectl: &Kubectl) -> String {
    let world = World::start(kubectl).await.expect("a world");
    let heads: Vec<&str> = USERS.iter().map(|(head, _)| *head).collect();
    let mut table = format!(
        "| override, over | {} |\n|{}\n",
        heads.join(" | "),
        "---|".repeat(heads.len() + 1)
    );
    for (head, flags) in USER_OVERRIDES {
        let mut row = format!("| {head} |");
        for (_, fields) in USERS {
            let (kubex, kubectl) = world.ask(&Case::of(&[SERVER, TRUST], fields, flags)).await;
            let [kubex, kubectl] = [sent(&kubex), sent(&kubectl)];
            row += &if kubex == kubectl {
                format!(" {kubex} |")
            } else {
                format!(" {kubex} (kubectl: {kubectl}) |")
            };
        }
        table += &format!("{row}\n");
    }
    table
}

/// Whose credential arrived.
fn sent(outcome: &Outcome) -> &'static str {
    let Outcome::Arrived(facts) = outcome else {
        return "error";
    };
    let header = match facts["authorization"].as_str() {
        "none" => None,
        // joe: and joe:flag-secret
        "Bearer flag" | "Basic am9lOg==" | "Basic am9lOmZsYWctc2VjcmV0" => Some("override"),
        // joe:secret and jane:flag-secret
        "Basic am9lOnNlY3JldA==" | "Basic amFuZTpmbGFnLXNlY3JldA==" => Some("merged"),
        _ => Some("field"),
    };
    let certificate = match facts["certificate"].as_str() {
        "none" => None,
        "flag" => Some("override"),
        _ => Some("field"),
    };
    match (header, certificate) {
        (None, None) => "anonymous",
        (Some(one), None) | (None, Some(one)) => one,
        (Some(one), Some(other)) if one == other => one,
        _ => "both",
    }
}

#[test]
fn every_override_of_a_cluster_is_as_with_kubectl() {
    let Some(kubectl) = kubectl("overrides of a cluster, compared with kubectl") else {
        return;
    };
    let unexplained = runtime().block_on(async {
        let world = World::start(&kubectl).await.expect("a world");
        let mut unexplained = Vec::new();
        for flags in CLUSTER_OVERRIDES {
            for fields in CLUSTERS {
                let case = Case::of(fields, &["token: abc"], flags);
                let (kubex, kubectl) = world.ask(&case).await;
                if matches!(judge(&case, &kubex, &kubectl), Verdict::Unexplained) {
                    unexplained.push(format!("{case}\n  Kubex   {kubex:?}\n  kubectl {kubectl:?}"));
                }
            }
        }
        unexplained
    });
    assert!(unexplained.is_empty(), "{}", unexplained.join("\n"));
}
