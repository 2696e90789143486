//! Mistakes that people make, and the message of each: what is wrong, where, and one thing to do.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::world::{Ended, KUBEX, ended, kubex, program};

/// A kubeconfig with this server and user, which is otherwise complete.
fn kubeconfig(server: &str, user: &str) -> String {
    format!(
        "clusters: [{{name: c, cluster: {{server: '{server}'}}}}]\nusers: [{{name: u, user: {user}}}]\n\
         contexts: [{{name: -prod, context: {{cluster: c, user: u}}}}]\ncurrent-context: -prod\n"
    )
}

fn file(content: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content.as_bytes()).unwrap();
    file
}

fn run(subcommand: &[&str], content: &str) -> Ended {
    let file = file(content);
    kubex(&[subcommand, &["--kubeconfig", file.path().to_str().unwrap()]].concat())
}

const LOOPBACK: &str = "https://127.0.0.1:1";

#[expect(clippy::too_many_lines, reason = "it is a list")]
#[test]
fn each_mistake_has_its_message_its_place_and_one_thing_to_do() {
    let unfilled = "the server's address contains the placeholder of a template that was not filled in";
    let fill_in = "replace it with the real value, or render the template first";
    let brackets = "put the address in brackets, as in https://[fd00::1]:6443";
    let template = "the kubeconfig contains a template that was not filled in";
    let tab = "is not valid YAML: found a tab character";
    let inner = "clusters: []\n";
    let encoded = BASE64_STANDARD.encode(inner);
    let omitted = "is DATA+OMITTED, which kubectl prints in place of the data";
    let mut cases: Vec<(String, &str, &str, String)> = vec![];
    let mut add =
        |content: String, place, message, help: &str| cases.push((content, place, message, help.to_owned()));
    for server in [
        "{{ .Server }}",
        "https://{{ .Server }}:6443",
        "https://<API_SERVER>:6443",
        "${API_HOST}",
        "https://${API_HOST}:6443",
        "https://$API_HOST:6443",
        "https://%API_HOST%:6443",
    ] {
        add(
            kubeconfig(server, "{}"),
            ":1:40, clusters[c].cluster.server",
            unfilled,
            fill_in,
        );
    }
    for server in ["https://::1:6443", "https://fe80::1"] {
        let message = "the server's address has an IPv6 address without brackets";
        add(
            kubeconfig(server, "{}"),
            ":1:40, clusters[c].cluster.server",
            message,
            brackets,
        );
    }
    for content in ["a:\n\t- b\n", "a:\n- b: c\n\td: {}\n", "a:\n\t\tb: c\n"] {
        add(content.to_owned(), "", tab, "replace the tab with spaces");
    }
    for content in [
        "server: {{ .x }}\n",
        "a: 1\nb: {{ .x | quote }}\n",
        "{{- if .x }}\n",
        "{% if x %}\n",
    ] {
        add(content.to_owned(), "", template, "render the template first");
    }
    add(
        "apiVersion: v1\nkind: ConfigMap\ndata:\n  config: |\n    clusters: []\n".to_owned(),
        ":2:7, kind",
        "this is a ConfigMap, not a kubeconfig; its key \"config\" in \"data\" contains one",
        "save the value of \"config\" as a file, and use that",
    );
    add(
        format!("apiVersion: v1\nkind: Secret\ndata: {{value: {encoded}}}\n"),
        ":2:7, kind",
        "this is a Secret, not a kubeconfig; its key \"value\" in \"data\" contains one",
        "save the value of \"value\", decoded from base64, as a file, and use that",
    );
    for (version, kind) in [
        ("v1", "a List"),
        ("apps/v1", "a Deployment"),
        ("networking.k8s.io/v1", "an Ingress"),
    ] {
        let name = kind.split(' ').nth(1).unwrap();
        cases.push((
            format!("apiVersion: {version}\nkind: {name}\n"),
            ":2:7, kind",
            "not a kubeconfig",
            "name a file whose kind is Config, as kubectl config view --raw prints it".to_owned(),
        ));
        assert!(
            run(&["explain"], &cases.last().unwrap().0)
                .stderr
                .contains(&format!("this is {kind}, "))
        );
    }
    let nameless = kubeconfig(LOOPBACK, "{token: t}").replace("{name: c, ", "{");
    let mut add =
        |content: String, place, message, help: &str| cases.push((content, place, message, help.to_owned()));
    add(
        nameless,
        "contexts[-prod].context.cluster",
        "there is no cluster \"c\"",
        "set \"name\" in the cluster that has no name, on line 1",
    );
    add(
        format!("clusters: [{{name: c, cluster: {{server: '{LOOPBACK}'}}}}]\n"),
        ", contexts",
        "the kubeconfig contains no context",
        "add one with: kubectl config set-context NAME --cluster=CLUSTER --user=USER",
    );
    for field in ["client-certificate-data", "client-key-data"] {
        let user = "{client-certificate-data: DATA+OMITTED, client-key-data: DATA+OMITTED}";
        add(
            kubeconfig(LOOPBACK, user),
            field,
            omitted,
            "print the data with: kubectl config view --raw",
        );
    }
    assert!(cases.len() > 20);
    for (content, place, message, help) in &cases {
        let explained = run(&["explain"], content);
        let got = run(&["get", "/version"], content);
        for ended in [&explained, &got] {
            assert_eq!(ended.status, 4, "{content}{}", ended.stderr);
            for part in [place, message, help.as_str(), "  at: ", "  help: "] {
                assert!(ended.stderr.contains(part), "{part}\n{content}{}", ended.stderr);
            }
        }
        assert_eq!(strip(&explained.stderr), strip(&got.stderr));
    }
}

/// Without the path of the file, which is another one in each run.
fn strip(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once("/.tmp") {
        Some((before, after)) => format!("{before}{}", after.get(6..).unwrap_or_default()),
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_path_that_ends_with_a_blank_is_quoted() {
    let got = kubex(&["explain", "--kubeconfig", "nowhere.yaml "]);
    assert!(
        got.stderr
            .contains("at: \"nowhere.yaml \"\n  help: remove the blank"),
        "{}",
        got.stderr
    );
    let file = file(&kubeconfig(LOOPBACK, "{token: t}"));
    let words = [
        "explain",
        "--certificate-authority=/nowhere ",
        "--kubeconfig",
        file.path().to_str().unwrap(),
    ];
    let got = kubex(&words);
    assert!(
        got.stderr
            .contains("certificate authority \"/nowhere \": it does not exist"),
        "{}",
        got.stderr
    );
}

#[test]
fn doubtful_tokens_and_old_names_are_warnings_of_explain_and_of_get() {
    for (user, id) in [
        ("{token: Bearer x}", "doubtful-token"),
        ("{token: REDACTED}", "doubtful-token"),
        ("{token: '{{ .Token }}'}", "doubtful-token"),
        ("{token: <TOKEN>}", "doubtful-token"),
        ("{token: x, act-as: jane}", "unknown-field"),
        ("{token: x, act-as-groups: [a]}", "unknown-field"),
    ] {
        let content = kubeconfig(LOOPBACK, user);
        let explained = run(&["explain"], &content);
        assert!(
            explained.stdout.contains(&format!("[{id}]")),
            "{user}: {}",
            explained.stdout
        );
        let got = run(&["get", "/version"], &content);
        assert!(got.stderr.contains(&format!("[{id}]")), "{user}: {}", got.stderr);
    }
    assert!(
        run(&["explain"], &kubeconfig(LOOPBACK, "{token: x}"))
            .stdout
            .ends_with("user.token\n")
    );
}

#[test]
fn a_host_that_looks_like_a_placeholder_is_a_warning_of_explain_and_of_get() {
    for host in ["YOUR_SERVER", "your-cluster.invalid", "CHANGEME"] {
        // The proxy refuses at once, so that no name server is asked.
        let content = kubeconfig(&format!("https://{host}:6443"), "{token: t}")
            .replace("{server:", "{proxy-url: 'http://127.0.0.1:1', server:");
        let explained = run(&["explain"], &content);
        let got = run(&["get", "/version"], &content);
        for text in [&explained.stdout, &got.stderr] {
            let warning = text.lines().find(|line| line.contains("[doubtful-server]"));
            let warning = warning.unwrap_or_else(|| panic!("{host}: {text}"));
            for part in [host, "clusters[c].cluster.server", "replace it with the real one"] {
                assert!(warning.contains(part), "{part}: {warning}");
            }
        }
    }
}

/// `{"exp": 1000000000, "sub": "jane"}`
const EXPIRED: &str = "eyJhbGciOiJub25lIn0.eyJleHAiOjEwMDAwMDAwMDAsInN1YiI6ImphbmUifQ.x";

#[test]
fn a_token_that_has_expired_is_a_warning_of_explain_and_of_get() {
    let token = file(EXPIRED);
    let in_a_file = format!("{{tokenFile: {}}}", token.path().display());
    for (user, field) in [
        (format!("{{token: {EXPIRED}}}"), "users[u].user.token"),
        (in_a_file, "users[u].user.tokenFile"),
    ] {
        let content = kubeconfig(LOOPBACK, &user);
        let explained = run(&["explain"], &content);
        let got = run(&["get", "/version"], &content);
        assert_eq!(explained.status, 0, "{}", explained.stderr);
        for text in [&explained.stdout, &got.stderr] {
            let warning = text.lines().find(|line| line.contains("[token-expired]"));
            let warning = warning.unwrap_or_else(|| panic!("{user}: {text}"));
            for part in [
                "the token expired at 2001-09-09T01:46:40Z",
                "get a new one",
                field,
            ] {
                assert!(warning.contains(part), "{part}: {warning}");
            }
            assert!(!text.contains(EXPIRED), "{text}");
        }
    }
}

#[test]
fn explain_shows_what_is_not_secret() {
    let exec = "{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: aws, \
                args: [eks, get-token, --token, s3cret]}}";
    let shown = run(&["explain", "--context", "-prod"], &kubeconfig(LOOPBACK, exec)).stdout;
    for (field, value) in [
        ("context", "-prod"),
        ("api-version", "client.authentication.k8s.io/v1beta1"),
        ("command", "aws"),
        ("args", "(hidden)"),
    ] {
        let row = shown.lines().find(|line| line.starts_with(field));
        assert!(row.is_some_and(|row| row.contains(value)), "{field}: {shown}");
    }
    let shown = run(&["explain"], &kubeconfig(LOOPBACK, "{token: s3cret}")).stdout;
    assert!(
        shown.contains("token     (hidden)") && !shown.contains("s3cret"),
        "{shown}"
    );
}

#[test]
fn whoami_marks_what_is_not_verified_and_an_expired_token_is_a_failure() {
    let opaque = run(&["whoami"], &kubeconfig(LOOPBACK, "{token: abc}"));
    assert_eq!(opaque.status, 0);
    assert!(
        opaque.stderr.contains("only the server can read this token") && opaque.stderr.contains("--online")
    );
    let content = kubeconfig(LOOPBACK, &format!("{{token: {EXPIRED}}}"));
    for (subcommand, shown) in [("whoami", "jane"), ("token", EXPIRED)] {
        let expired = run(&[subcommand], &content);
        assert_eq!(expired.status, 8, "{}", expired.stderr);
        assert!(expired.stdout.contains(shown) && expired.stderr.contains("the token has expired"));
        assert!(expired.stderr.contains("help: log in again"));
    }
}

#[test]
fn a_proxy_that_refuses_is_named_with_its_answer() {
    for (status, help) in [
        (
            "407 Proxy Authentication Required",
            "set the user name and the password in the proxy's URL, before the host",
        ),
        (
            "502 Bad Gateway",
            "check that the proxy allows requests to this server",
        ),
        (
            "403 Forbidden",
            "check that the proxy allows requests to this server",
        ),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let proxy = std::thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            let _ = connection.read(&mut [0; 4096]).unwrap();
            write!(connection, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").unwrap();
        });
        let file = file(&kubeconfig("https://127.0.0.2:1", "{token: t}").replace(
            "cluster: {server",
            &format!("cluster: {{proxy-url: 'http://jane:s3cret@{address}', server"),
        ));
        let mut command = program(KUBEX, &["get", "/version", "--kubeconfig"]);
        let got = ended(command.arg(file.path()).output().unwrap());
        proxy.join().unwrap();
        assert_eq!(got.status, 1, "{}", got.stderr);
        assert!(
            got.stderr
                .contains(&format!("through the proxy http://{address}")),
            "{}",
            got.stderr
        );
        for part in [format!("the proxy answered {status}\n"), format!("help: {help}")] {
            assert!(got.stderr.contains(&part), "{part}: {}", got.stderr);
        }
        assert!(!got.stderr.contains("s3cret"), "{}", got.stderr);
    }
}

/// A home directory with this configuration of Kubex and two kubeconfigs, and a command in it.
fn configured(configuration: &str, words: &[&str]) -> Ended {
    let home = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = home.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let of = |name: &str| kubeconfig(LOOPBACK, "{token: t}").replace("-prod", name);
    write(".kube/config", &of("dev"));
    write("lab.yaml", &of("prod"));
    write(".config/kubex/config.yaml", configuration);
    let mut command = program(KUBEX, words);
    command.env("HOME", home.path()).current_dir(home.path());
    ended(command.output().unwrap())
}

#[test]
fn a_context_that_another_source_has_is_found_there() {
    let lab = "chain: [kubeconfig, lab]\nsources: {lab: {provider: kubeconfig, path: ~/lab.yaml";
    for (configuration, context, help) in [
        (
            format!("{lab}}}}}\n"),
            "prod",
            "the source \"lab\" uses it: write --source lab in place of --context",
        ),
        (
            format!("{lab}, context: other}}}}\n"),
            "prod",
            "the kubeconfig of the source \"lab\" has it: set \"context\" of that source",
        ),
        (format!("{lab}}}}}\n"), "nowhere", "\"dev\""),
    ] {
        for subcommand in ["explain", "resolve"] {
            let ended = configured(&configuration, &[subcommand, "--context", context]);
            assert_eq!(ended.status, 4, "{ended:?}");
            assert!(ended.stderr.contains(help), "{help}: {ended:?}");
        }
    }
}

#[test]
fn a_provider_that_is_not_linked_is_told_with_its_feature() {
    for (configuration, message, help) in [
        (
            "chain: [cloud]\nsources: {cloud: {provider: eks, cluster: c, server: 'https://h'}}\n",
            "no provider \"eks\" is linked into this program",
            "cargo install --path kubex/cli --features eks",
        ),
        (
            "chain: [gke]\n",
            "the chain names \"gke\"",
            "cargo install --path kubex/cli --features gke",
        ),
        (
            "chain: [cloud]\nsources: {cloud: {provider: github-action, server: 'https://h'}}\n",
            "no provider \"github-action\" is linked",
            "did you mean \"github-actions\"?",
        ),
        (
            "chain: [cloud]\nsources: {cloud: {provider: my-vault, server: 'https://h'}}\n",
            "no provider \"my-vault\" is linked into this program; linked providers: exec, in-cluster, ",
            "With your own providers",
        ),
        (
            "chain: [lab]\nsources: {lab: {server: 'https://h'}}\n",
            "the source \"lab\" has no \"provider\", and there is no provider \"lab\"; linked providers: exec, ",
            "set sources.lab.provider to one of them",
        ),
    ] {
        let ended = configured(configuration, &["explain"]);
        assert_eq!(ended.status, 4, "{ended:?}");
        assert!(
            ended.stderr.contains(message) && ended.stderr.contains(help),
            "{configuration}: {ended:?}"
        );
    }
}

#[test]
fn config_check_without_a_file_checks_what_is_in_force_and_knows_the_files_of_kubectl() {
    let ended = configured("chain: [kubeconfig]\n", &["config", "check"]);
    assert!(
        ended.status == 0 && ended.stderr.contains("config.yaml is valid"),
        "{ended:?}"
    );
    let ended = configured(
        "sources: {kubeconfig: {enabled: yes, paths: ~/.kube/config}}\nexec: {policy: allowlist, allowlist: [{command: ./a}, \
         {command: b}, {command: bin/c}]}\n",
        &["config", "check"],
    );
    assert_eq!(ended.status, 4, "{ended:?}");
    for part in [
        "expected a boolean, found a string",
        "help: write true or false",
        "expected a list, found a string",
        "help: write it as a list: [...]",
        "entry 1 of the allowlist",
        "exec.allowlist[0]",
        "entry 3 of the allowlist",
        "exec.allowlist[2]",
    ] {
        assert!(ended.stderr.contains(part), "{part}: {ended:?}");
    }
    let ended = configured("", &["config", "check", ".kube/config"]);
    assert_eq!(ended.status, 4, "{ended:?}");
    assert!(
        ended
            .stderr
            .contains("this is a kubeconfig, not a configuration of Kubex")
            && ended.stderr.contains("kubex explain --check --kubeconfig /")
            && ended.stderr.matches("error: ").count() == 1,
        "{ended:?}"
    );
}
