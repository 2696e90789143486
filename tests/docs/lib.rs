//! Every Rust block of the README files and of the docs, as a function: what does not compile fails the build. The blocks that
//! need no cluster are also run. `build.rs` finds them.

#![forbid(unsafe_code)]
#![allow(
    clippy::all,
    clippy::pedantic,
    dead_code,
    unused,
    missing_docs,
    reason = "the code of the docs is written to be read"
)]

mod blocks {
    include!(concat!(env!("OUT_DIR"), "/blocks.rs"));
}

#[tokio::test]
async fn the_blocks_that_need_no_cluster_run() {
    let configuration = kubex::configure()
        .url("https://127.0.0.1:6443")
        .token("a-fake-token")
        .await
        .unwrap();
    let registry = kubex::registry().unwrap();
    blocks::run_all(&configuration, registry, &serde_json::json!({}), "a-fake-token")
        .await
        .unwrap();
    let (compiled, run) = blocks::COUNTS;
    println!("{compiled} blocks compiled, {run} run");
    assert!(
        compiled >= 15 && run >= 2,
        "{compiled} blocks compiled, {run} run"
    );
}

/// The `User-Agent` of a request with each client: clients.md says that there is none.
#[tokio::test]
async fn no_client_sends_a_user_agent_of_its_own() {
    let replies = [kubex::faults::Reply::Status(200, "{}".to_owned())];
    let server = kubex::faults::FaultyServer::playing(replies).unwrap();
    let configuration = kubex::configure()
        .url(server.url())
        .allow_credentials_over_http(true)
        .token("a-fake-token")
        .await
        .unwrap();
    let client = kubex::reqwest::Client::new(&configuration).unwrap();
    client.get("/of-reqwest").unwrap().send().await.unwrap();
    let named = client
        .get("/named")
        .unwrap()
        .header("user-agent", "my-controller/1.0");
    named.send().await.unwrap();
    let client = kubex::kube::client(&configuration).unwrap();
    let _ = client.apiserver_version().await;
    let heads = server.heads();
    println!("{heads:#?}");
    assert_eq!(heads.len(), 3);
    for head in heads {
        assert!(head.contains("Bearer a-fake-token"), "{head}");
        let named = head.starts_with("GET /named ");
        assert_eq!(
            head.to_lowercase().contains("user-agent: my-controller/1.0\r\n"),
            named,
            "{head}"
        );
        assert_eq!(head.to_lowercase().contains("user-agent:"), named, "{head}");
    }
}

/// The YAML blocks of the pages that are configurations.
fn configurations() -> Vec<(String, String)> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut pages = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned()];
    for name in ["exec", "in-cluster", "kubeconfig", "oidc", "static", "token-file"] {
        pages.push(format!("providers/{name}/README.md"));
    }
    for entry in std::fs::read_dir(root.join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        // That page shows the files of test cases.
        if name.ends_with(".md") && name != "conformance.md" {
            pages.push(format!("docs/{name}"));
        }
    }
    let mut blocks = Vec::new();
    for page in pages {
        let text = std::fs::read_to_string(root.join(&page)).unwrap();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if line.trim() == "```yaml" {
                let indentation = line.len() - line.trim_start().len();
                let body = lines.by_ref().take_while(|line| line.trim() != "```");
                let body: Vec<&str> = body
                    .map(|line| line.get(indentation..).unwrap_or_default())
                    .collect();
                blocks.push((page.clone(), body.join("\n")));
            }
        }
    }
    blocks
}

/// What is wrong with them is only that the reader's own provider is not linked here.
#[tokio::test]
async fn every_configuration_in_the_pages_is_valid() {
    let registry = kubex::registry().unwrap();
    let blocks = configurations();
    for (page, block) in &blocks {
        let world = kubex::host::SimulatedHost::new();
        world.set_variable("HOME", "/home/jane");
        if block.starts_with("users:") {
            // A part of a kubeconfig.
            let part = kubex::configure_from_kubeconfig().bytes(block.clone().into_bytes());
            let loaded = part.trusted(true).host(world.host()).load().await;
            assert!(loaded.is_ok(), "{page}: {loaded:?}\n{block}");
            continue;
        }
        world.write("/etc/kubex/config.yaml", block);
        let file = "/etc/kubex/config.yaml";
        let checked = kubex::config::Configuration::check_file(file, &world.host(), &registry).await;
        let problems = checked.err().map(kubex::Error::into_problems).unwrap_or_default();
        for problem in problems {
            let is_own = ["\"my-", "\"company-vault\""]
                .iter()
                .any(|name| problem.message().contains(name));
            assert!(
                is_own && problem.kind() == kubex::ErrorKind::UnknownProvider,
                "{page}: {problem}\n{block}"
            );
        }
    }
    println!("{} configurations of the pages are valid", blocks.len());
    assert!(blocks.len() >= 10, "{} configurations", blocks.len());
}
