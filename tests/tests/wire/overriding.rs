//! All pairs of an override and a field: the table in `docs/kubeconfig.md`, and the same pairs with kubectl.

use kubex_tests::kubectl::Kubectl;
use kubex_tests::machine::not_tested;

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

/// Overrides of the cluster, and what Kubex does over each of [`CLUSTERS`]: a letter that [`way`] gives.
const CLUSTER_OVERRIDES: &[(&[&str], &str)] = &[
    (&["certificate-authority={dir}/ca.crt"], "ttttttncph"),
    (&["certificate-authority={dir}/other-ca.crt"], "ccccccccch"),
    (&["insecure-skip-tls-verify=true"], "ttttttnnph"),
    (&["insecure-skip-tls-verify=false"], "cttcctncph"),
    (
        &[
            "insecure-skip-tls-verify=false",
            "certificate-authority={dir}/ca.crt",
        ],
        "ttttttncph",
    ),
    (
        &[
            "insecure-skip-tls-verify=true",
            "certificate-authority={dir}/ca.crt",
        ],
        "eeeeeeeeee",
    ),
    (&["tls-server-name=localhost"], "cnncnennph"),
    (&["tls-server-name=other.test"], "ccccneccch"),
    (&["server=https://localhost:{port}/flag"], "cnncnennpn"),
    (&["server=http://127.0.0.1:{plain-port}"], "hhhhhehhrh"),
    (&["proxy-url=http://{http-proxy}"], "cppcpepcpr"),
];

#[test]
fn the_table_of_overrides_and_fields_is_what_both_do() {
    let kubectl = kubectl("kubectl's half of the table of overrides");
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/kubeconfig.md");
    let page = std::fs::read_to_string(page).expect("the page");
    // Without a kubectl, Kubex's half of each cell.
    let page = if kubectl.is_some() {
        page
    } else {
        without_kubectl(&page)
    };
    let table = runtime().block_on(table(kubectl.as_ref()));
    assert!(
        page.contains(&table),
        "docs/kubeconfig.md does not have this table:\n{table}"
    );
}

/// The page without its words about kubectl in parentheses.
fn without_kubectl(page: &str) -> String {
    let mut parts = page.split(" (kubectl: ");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text += part.split_once(')').map_or(part, |(_, rest)| rest);
    }
    text
}

async fn table(kubectl: Option<&Kubectl>) -> String {
    let world = World::start().await.expect("a world");
    let heads: Vec<&str> = USERS.iter().map(|(head, _)| *head).collect();
    let mut table = format!(
        "| override, over | {} |\n|{}\n",
        heads.join(" | "),
        "---|".repeat(heads.len() + 1)
    );
    for (head, flags) in USER_OVERRIDES {
        let mut row = format!("| {head} |");
        for (_, fields) in USERS {
            let case = Case::of(&[SERVER, TRUST], fields, flags);
            let kubex = sent(&world.ask_kubex(&case).await);
            let other = match kubectl {
                Some(kubectl) => sent(&world.ask_kubectl(kubectl, &case).await),
                None => kubex,
            };
            row += &if kubex == other {
                format!(" {kubex} |")
            } else {
                format!(" {kubex} (kubectl: {other}) |")
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
fn every_override_of_a_cluster_follows_its_rule() {
    let differences = runtime().block_on(async {
        let world = World::start().await.expect("a world");
        let mut differences = Vec::new();
        for (flags, expected) in CLUSTER_OVERRIDES {
            let mut found = String::new();
            for fields in CLUSTERS {
                let case = Case::of(fields, &["token: abc"], flags);
                found.push(way(&world.ask_kubex(&case).await));
            }
            if found != *expected {
                differences.push(format!("{flags:?}: expected {expected:?}, found {found:?}"));
            }
        }
        differences
    });
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// How a request went: by TLS (`t`), with a name in the handshake (`n`), without TLS (`h`), through a proxy (`p`), to a
/// proxy that forwards nothing without TLS (`r`); or not, because of the server's certificate (`c`) or an error (`e`).
fn way(outcome: &Outcome) -> char {
    match outcome {
        Outcome::Arrived(facts) if facts["proxy"] != "none" => 'p',
        Outcome::Arrived(facts) if facts["authorization"] == "none" => 'h',
        Outcome::Arrived(facts) if facts["sni"] != "none" => 'n',
        Outcome::Arrived(_) => 't',
        Outcome::Refused(said) if said.contains("invalid peer certificate") => 'c',
        Outcome::Refused(said) if said == "a response" => 'r',
        Outcome::Refused(_) => 'e',
    }
}

#[test]
fn every_override_of_a_cluster_is_as_with_kubectl() {
    let Some(kubectl) = kubectl("overrides of a cluster, compared with kubectl") else {
        return;
    };
    let unexplained = runtime().block_on(async {
        let world = World::start().await.expect("a world");
        let mut unexplained = Vec::new();
        for (flags, _) in CLUSTER_OVERRIDES {
            if kubectl.number < (1, 37) && flags.iter().any(|flag| flag.starts_with("proxy-url=")) {
                not_tested(
                    "the override of proxy-url, compared with kubectl",
                    "kubectl has it since 1.37",
                );
                continue;
            }
            for fields in CLUSTERS {
                let case = Case::of(fields, &["token: abc"], flags);
                let kubex = world.ask_kubex(&case).await;
                let kubectl = world.ask_kubectl(&kubectl, &case).await;
                if matches!(judge(&case, &kubex, &kubectl), Verdict::Unexplained) {
                    unexplained.push(format!("{case}\n  Kubex   {kubex:?}\n  kubectl {kubectl:?}"));
                }
            }
        }
        unexplained
    });
    assert!(unexplained.is_empty(), "{}", unexplained.join("\n"));
}
