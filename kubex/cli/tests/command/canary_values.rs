//! Secrets in the wrong place, and text that attacks the terminal: nothing of them is shown, in words and in JSON. And
//! the other side: what a person needs to see is shown.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tempfile::{NamedTempFile, TempDir};

use crate::world::{Ended, KUBEX, ended, kubex, program};

const TOKEN: &str = "Qz7token-planted/0815";

/// The subcommands that read a kubeconfig, in words and in the formats for programs.
const OUTPUTS: &[&[&str]] = &[
    &["explain"],
    &["explain", "-ojson"],
    &["explain", "-oyaml"],
    &["resolve"],
    &["resolve", "-ojson"],
    &["contexts"],
    &["contexts", "-ojson"],
    &["whoami", "-ojson"],
    &["token"],
    &["sources", "-ojson"],
    &["config", "show", "-ojson"],
];

fn file(content: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(content.as_bytes()).unwrap();
    file
}

fn shown(ended: &Ended) -> String {
    format!("{}{}", ended.stdout, ended.stderr)
}

fn assert_hides(what: &str, shown: &str, planted: &[&str]) {
    for secret in planted {
        assert!(!shown.contains(secret), "{what}: {secret} in:\n{shown}");
    }
    let is_harmful = |c: char| {
        (c.is_control() && !"\n\t".contains(c))
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(
        !shown.contains(is_harmful),
        "{what}: a control character in:\n{shown:?}"
    );
}

/// Every output for a kubeconfig; returns all of it.
fn every_output(content: &str, planted: &[&str]) -> String {
    let file = file(content);
    let mut all = String::new();
    for page in OUTPUTS {
        let words = [page, &["--kubeconfig", file.path().to_str().unwrap()] as &[&str]].concat();
        let shown = shown(&kubex(&words));
        assert_hides(&format!("{words:?} of {content}"), &shown, planted);
        all.push_str(&shown);
    }
    all
}

fn kubeconfig(cluster: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: prod\nclusters:\n- name: prod\n  cluster: {{{cluster}}}\n\
         users:\n- name: jane\n  user: {{{user}}}\ncontexts:\n- name: prod\n  context: {{cluster: prod, user: jane}}\n"
    )
}

const SERVER: &str = "server: 'https://127.0.0.1:1'";

#[test]
fn a_document_in_the_place_of_a_path_is_named_and_not_shown() {
    let document = kubeconfig(SERVER, &format!("token: {TOKEN}"));
    let json = format!(r#"{{"kind":"Config","users":[{{"name":"jane","user":{{"token":"{TOKEN}"}}}}]}}"#);
    for content in [&document, &json] {
        for page in OUTPUTS {
            for variable in ["KUBECONFIG", "KUBEX_CONFIG", "KUBEX_SOURCES__KUBECONFIG__PATH"] {
                let command = program(KUBEX, page).env(variable, content).output().unwrap();
                let shown = shown(&ended(command));
                assert_hides(
                    &format!("{page:?} with {variable}"),
                    &shown,
                    &["Qz7token", "apiVersion"],
                );
            }
            for flag in ["--kubeconfig", "--certificate-authority", "--client-key"] {
                let words = [page, &[flag, content.as_str()] as &[&str]].concat();
                assert_hides(
                    &format!("{page:?} with {flag}"),
                    &shown(&kubex(&words)),
                    &["Qz7token"],
                );
            }
        }
    }
    let command = program(KUBEX, &["resolve"])
        .env("KUBECONFIG", &document)
        .output()
        .unwrap();
    let shown = shown(&ended(command));
    assert!(
        shown.contains("\"KUBECONFIG\" holds a document, not a path"),
        "{shown}"
    );
}

#[test]
fn a_key_a_certificate_or_a_token_in_the_place_of_a_path_is_masked_with_a_hint() {
    let pem = "-----BEGIN PRIVATE KEY-----\\nMIIGh1keyda\\n-----END PRIVATE KEY-----\\n";
    let base64 = BASE64_STANDARD.encode(pem.replace("\\n", "\n"));
    let body = format!(
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7{}",
        "Gh1keyda".repeat(8)
    );
    let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJHaDFrZXlkYSJ9.Gh1keyda-signature";
    let long = "Gh1keyda".repeat(40);
    for (field, hint) in [
        ("certificate-authority", "certificate-authority-data"),
        ("client-key", "client-key-data"),
        ("tokenFile", "token"),
    ] {
        for value in [pem, &base64, &body, jwt, &long] {
            let (cluster, user) = if field == "certificate-authority" {
                (format!("{SERVER}, {field}: \"{value}\""), "token: abc".to_owned())
            } else {
                let certificate = "client-certificate: /c.crt, ";
                let certificate = if field == "client-key" { certificate } else { "" };
                (SERVER.to_owned(), format!("{certificate}{field}: \"{value}\""))
            };
            let all = every_output(
                &kubeconfig(&cluster, &user),
                &["Gh1keyda", &base64[40..56], &value[..20]],
            );
            assert!(all.contains(&format!("\"{field}\" holds a")), "{all}");
            assert!(all.contains(&format!("\"{hint}\"")), "{all}");
        }
    }
}

/// Its field names a file that is not there, so that it may be anything.
#[test]
fn a_path_is_shown_only_if_there_is_a_file_of_that_name() {
    let directory = TempDir::new().unwrap();
    let token = directory.path().join("token");
    std::fs::write(&token, "Jk0filet").unwrap();
    let token = token.display().to_string();
    let explained = |value: &str| {
        let file = file(&kubeconfig(
            SERVER,
            &format!("token: abc, tokenFile: \"{value}\""),
        ));
        let ended = kubex(&["explain", "--kubeconfig", file.path().to_str().unwrap()]);
        let row = ended.stdout.lines().find(|line| line.starts_with("token-file"));
        row.unwrap_or_else(|| panic!("{ended:?}")).to_owned()
    };
    let there = explained(&token);
    assert!(there.contains(&token) && !there.contains("Jk0filet"), "{there}");
    let pasted = explained("Gh1keyda");
    assert!(
        pasted.contains("(hidden)") && !pasted.contains("Gh1keyda"),
        "{pasted}"
    );
}

#[test]
fn user_information_is_masked_however_malformed_the_address_is() {
    for address in [
        "https://jane:Op6proxy@h:6443",
        "https://jane:Op6@Op6proxy@h:6443",
        "https://jane:Op6/proxy@h:6443",
        "https://jane:Op6?proxy@h:6443",
        "https://jane:Op6#proxy@h:6443",
        "https://jane:1/Op6proxy@h:6443",
        "https:/jane:Op6proxy@h:6443",
        "https:jane:Op6proxy@h:6443",
        "https//jane:Op6proxy@h:6443",
        "//jane:Op6proxy@h:6443",
        "jane:Op6proxy@h:6443",
        "jane:Op6 proxy@h:6443",
        "Op6proxy@h",
        "ftp://jane:Op6proxy@h",
        "https://jane:Op6proxy@",
        "https://jane:Op6\\u0070roxy@h:6443",
        "https://jane:Op6%70roxy@[::1",
    ] {
        let planted = ["Op6", "roxy@"];
        every_output(
            &kubeconfig(&format!("server: \"{address}\""), "token: abc"),
            &planted,
        );
        let proxy = format!("{SERVER}, proxy-url: \"{address}\"");
        every_output(&kubeconfig(&proxy, "token: abc"), &planted);
        let plain = address.replace("\\u0070", "p");
        for page in OUTPUTS {
            for flag in ["--server", "--proxy-url"] {
                let flag = format!("{flag}={plain}");
                let words = [page, &[flag.as_str()] as &[&str]].concat();
                assert_hides(&format!("{words:?}"), &shown(&kubex(&words)), &planted);
            }
            let command = program(KUBEX, &[page as &[&str], &["--server=https://10.0.0.1"]].concat())
                .env("HTTPS_PROXY", &plain)
                .output()
                .unwrap();
            assert_hides(&format!("HTTPS_PROXY={plain}"), &shown(&ended(command)), &planted);
        }
    }
}

#[test]
fn only_what_looks_like_a_key_is_shown_as_one() {
    for user in [
        "A_TOKEN:Df2unkno",
        "token:Df2unkno",
        "tokenFile:Df2unkno",
        "Token=Df2unkno",
        "\"client-key-data: Df2unkno\"",
        "token Df2unkno",
        "Df2unkno:Df2unkno: x",
    ] {
        every_output(&kubeconfig(SERVER, user), &["Df2unkno"]);
        let block = format!("current-context: prod\nusers:\n- name: jane\n  user:\n    {user}\n");
        every_output(&block, &["Df2unkno"]);
    }
    let configuration = TempDir::new().unwrap();
    let path = configuration.path().join("config.yaml");
    for line in [
        "A_TOKEN:Df2unkno",
        "sources: {vault: {A_TOKEN:Df2unkno: x}}",
        "sources: {A_TOKEN:Df2unkno}",
    ] {
        std::fs::write(&path, format!("chain: [kubeconfig]\n{line}\n")).unwrap();
        for words in [
            &["config", "check", path.to_str().unwrap()] as &[&str],
            &["config", "show", "-ojson"],
        ] {
            let command = program(KUBEX, words).env("KUBEX_CONFIG", &path).output().unwrap();
            assert_hides(line, &shown(&ended(command)), &["Df2unkno"]);
        }
    }
}

#[test]
fn control_and_bidirectional_characters_never_reach_the_terminal() {
    for hostile in [
        "\\u009b31m",
        "\\u202e",
        "\\u001b]0;x\\u0007",
        "\\u2066",
        "\\u0085",
        "\\u007f",
    ] {
        for (cluster, user) in [
            (
                format!("\"server\": \"https://{hostile}h\""),
                "token: abc".to_owned(),
            ),
            (
                format!("\"server\": \"jane:{hostile}@h\""),
                "token: abc".to_owned(),
            ),
            (
                format!("{SERVER}, \"{hostile}\": 1, \"tls-server-name\": \"{hostile}\""),
                format!("\"{hostile}\": 1"),
            ),
            (SERVER.to_owned(), format!("tokenFile: \"/no/{hostile}\"")),
        ] {
            every_output(&kubeconfig(&cluster, &user), &[]);
        }
        let json = format!(
            r#"{{"current-context":"{hostile}","clusters":[{{"name":"{hostile}","cluster":{{"server":"{hostile}"}}}}],
               "contexts":[{{"name":"{hostile}","context":{{"cluster":"{hostile}","user":"{hostile}"}}}}]}}"#
        );
        every_output(&json, &[]);
    }
    // As they are, in a file whose name and content have them.
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("a\u{202e}b\u{9b}c");
    std::fs::write(&path, "server: \u{9b}31m\u{202e}\n\u{1b}[31m: [").unwrap();
    for page in OUTPUTS {
        let words = [page, &["--kubeconfig", path.to_str().unwrap()] as &[&str]].concat();
        assert_hides(&format!("{words:?}"), &shown(&kubex(&words)), &[]);
    }
}

#[test]
fn what_a_plugin_repeats_of_its_secrets_is_masked_in_every_spelling() {
    let directory = TempDir::new().unwrap();
    let plugin = directory.path().join("plugin");
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7Gh1keydaGh1k";
    let percent: String = TOKEN
        .bytes()
        .map(|byte| format!("%{byte:02X}"))
        .collect::<Vec<_>>()
        .concat();
    for stderr in [
        TOKEN.to_owned(),
        TOKEN.replace('/', "\\\\/"),
        TOKEN.replace('-', "\\\\u002d"),
        BASE64_STANDARD.encode(format!("jane:{TOKEN}")),
        BASE64_STANDARD.encode(format!("x{TOKEN}y")),
        percent.clone(),
        format!("GET https://h/cb?x=1&access_token={percent}"),
        "GET https://h/cb?code=Ty4stdou&x=1;password=Ty4stdou".to_owned(),
        format!("{body}\n{body}\nGh1keyda=="),
        "{\\\\\"client_secret\\\\\":\\\\\"Ty4stdou\\\\\"}".to_owned(),
        "Authorization: Bearer Ty4stdou".to_owned(),
        "proxyconnect http://jane:Ty4stdou@proxy:3128 refused".to_owned(),
    ] {
        for (answer, status) in [
            (
                format!(
                    r#"{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{{"token":"{TOKEN}"}}}}"#
                ),
                1,
            ),
            (
                format!(
                    r#"{{"apiVersion":"client.authentication.k8s.io/v1","kind":"Wrong","status":{{"token":"{TOKEN}"}}}}"#
                ),
                0,
            ),
            (TOKEN.to_owned(), 1),
        ] {
            let script = format!(
                "#!/bin/sh\ncat <<'END'\n{answer}\nEND\nprintf '%b\\n' '{stderr}' >&2\nexit {status}\n"
            );
            std::fs::write(&plugin, script).unwrap();
            std::fs::set_permissions(&plugin, std::fs::Permissions::from_mode(0o755)).unwrap();
            let user = format!(
                "exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: {}}}",
                plugin.display()
            );
            let kubeconfig = file(&kubeconfig(SERVER, &user));
            let words = ["token", "--kubeconfig", kubeconfig.path().to_str().unwrap()];
            let shown = shown(&kubex(&words));
            let encoded = BASE64_STANDARD.encode(format!("jane:{TOKEN}"));
            let other = BASE64_STANDARD.encode(format!("x{TOKEN}y"));
            let planted = [
                "Qz7token",
                "0815",
                "Ty4stdou",
                "Gh1keyda",
                &percent[..24],
                &encoded[8..20],
                &other[4..16],
            ];
            assert_hides(&stderr, &shown, &planted);
            assert!(shown.contains("[masked]"), "{stderr}: {shown}");
        }
    }
}

#[test]
fn arguments_of_plugins_are_masked_by_the_names_of_their_flags() {
    let configuration = file(
        "chain: [login]\nsources: {login: {provider: exec, server: 'https://h', command: login, args: [get-token, \
         -token, Lq4argum, --pass, Lq4argum, --client-secret=Lq4argum, 'password=Lq4argum', --header, \
         'Authorization: Bearer Lq4argum', --url, 'https://jane:Lq4argum@h?sig=Lq4argum', --cluster-name, prod-1]}}\n",
    );
    for page in [
        &["config", "show"] as &[&str],
        &["config", "show", "-ojson"],
        &["config", "show", "-oyaml"],
        &["explain"],
        &["explain", "-ojson"],
        &["token"],
    ] {
        let command = program(KUBEX, page)
            .env("KUBEX_CONFIG", configuration.path())
            .output()
            .unwrap();
        let shown = shown(&ended(command));
        assert_hides(&format!("{page:?}"), &shown, &["Lq4argum"]);
        if page[0] == "config" {
            for needed in [
                "get-token",
                "-token",
                "--pass",
                "--cluster-name",
                "prod-1",
                "login",
                "https://h",
            ] {
                assert!(shown.contains(needed), "{page:?} hides {needed}:\n{shown}");
            }
        }
    }
}

/// What a person needs to see of their own configuration.
#[test]
fn names_kinds_paths_and_own_keys_are_shown() {
    let shown_of = |content: &str| every_output(content, &[]);
    let needed = [
        ("kind: ConfigMap\napiVersion: v1\n".to_owned(), vec!["kind: ConfigMap"]),
        (
            "current-context: prod\ncontexts: [{name: prod, context: {cluster: staging-7, user: jane}}]\n\
             clusters: [{name: other, cluster: {server: 'https://h'}}]\nusers: [{name: jane, user: {token: abc}}]\n"
                .to_owned(),
            vec!["cluster: staging-7", "\"staging-7\"", "other"],
        ),
        (
            kubeconfig(&format!("{SERVER}, certificate-authority: /no/such/ca.crt"), "token: abc"),
            vec!["/no/such/ca.crt"],
        ),
        (
            kubeconfig(SERVER, "tokenFile: /no/such/token"),
            vec!["/no/such/token", "tokenFile"],
        ),
    ];
    for (content, needed) in needed {
        let shown = shown_of(&content);
        for text in needed {
            assert!(shown.contains(text), "{text} is hidden:\n{shown}");
        }
    }
    let configuration = file("chain: [vault]\nsources:\n  vault:\n    provider: kubeconfig\n    contxt: x\n");
    let words = ["config", "check", configuration.path().to_str().unwrap()];
    let shown = shown(&kubex(&words));
    assert!(shown.contains("contxt: [masked]"), "{shown}");
}
