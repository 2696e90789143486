//! Makes a function of each Rust block of the pages. A block with a `main` becomes a module.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The pages, and whether their blocks need no cluster, so that they are also run.
const PAGES: &[(&str, bool)] = &[
    ("README.md", false),
    ("CONTRIBUTING.md", false),
    ("docs/clients.md", false),
    ("docs/command.md", false),
    ("docs/concepts.md", false),
    ("docs/configuration.md", false),
    ("docs/fleets.md", false),
    ("docs/from-client-go.md", false),
    ("docs/from-kube.md", false),
    ("docs/kubeconfig.md", false),
    ("docs/production.md", false),
    ("docs/start.md", false),
    ("docs/testing.md", true),
    ("kubex/README.md", false),
    ("kubex/cli/README.md", false),
    ("providers/aks/README.md", false),
    ("providers/eks/README.md", false),
    ("providers/exec/README.md", false),
    ("providers/github-actions/README.md", false),
    ("providers/gke/README.md", false),
    ("providers/in-cluster/README.md", false),
    ("providers/kubeconfig/README.md", false),
    ("providers/oidc/README.md", false),
    ("providers/static/README.md", false),
    ("providers/token-exchange/README.md", false),
    ("providers/token-file/README.md", false),
];

/// The text that a block may use without defining it: what the page's sentences have introduced.
const CONTEXT: &str = "configuration: &kubex::ClientConfiguration, registry: kubex::Registry, \
    config_map: &serde_json::Value, refresh_token: &str";

/// What a reader would import, and write.
const IMPORTS: &str = "use kubex::host::*; use kubex::prelude::*; use kubex::*; use std::time::Duration;\n\
    type Done = std::result::Result<(), Box<dyn std::error::Error>>;\n\
    fn connect(_: &str, _: &ClientConfiguration) {}\nfn disconnect(_: &str) {}";

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap()).join("../..");
    let mut code = format!("{IMPORTS}\n");
    let mut runs = String::new();
    let (mut compiled, mut run) = (0, 0);
    for (page, are_run) in PAGES {
        let path = root.join(page);
        println!("cargo::rerun-if-changed={}", path.display());
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{page}: {error}"));
        for block in rust_blocks(&text) {
            compiled += 1;
            let name = format!("block_{compiled}");
            if block.contains("fn main()") {
                write!(code, "/// {page}\npub mod {name} {{\n{block}\n}}\n").unwrap();
                continue;
            }
            write!(
                code,
                "/// {page}\npub async fn {name}({CONTEXT}) -> Done {{\n{block}\nOk(())\n}}\n"
            )
            .unwrap();
            if *are_run {
                run += 1;
                writeln!(
                    runs,
                    "{name}(configuration, registry.clone(), config_map, refresh_token).await?;"
                )
                .unwrap();
            }
        }
    }
    write!(
        code,
        "/// Runs the blocks that need no cluster.\n\
         pub async fn run_all({CONTEXT}) -> Done {{\n{runs}Ok(())\n}}\n\
         /// How many blocks are compiled, and how many of them are run.\n\
         pub const COUNTS: (usize, usize) = ({compiled}, {run});\n"
    )
    .unwrap();
    fs::write(Path::new(&env::var("OUT_DIR").unwrap()).join("blocks.rs"), code).unwrap();
}

/// The blocks of a page, without the indentation of a list. `ignore` marks one that names what the reader has to write.
fn rust_blocks(page: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line.trim() != "```rust" {
            continue;
        }
        let indentation = line.len() - line.trim_start().len();
        let body = lines
            .by_ref()
            .take_while(|line| line.trim() != "```")
            .map(|line| line.get(indentation..).unwrap_or_default());
        blocks.push(body.collect::<Vec<_>>().join("\n"));
    }
    blocks
}
