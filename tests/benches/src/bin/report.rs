//! Writes `docs/performance.md` and its charts from the figures of a run.
//!
//! `tests/benches/table --write` calls it. In the page, the lines between `<!-- NAME -->` and `<!-- end -->` are replaced; the
//! text around them is written by hand.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kubex_benches::chart::{Chart, Group, Theme};
use kubex_benches::{HEAD, client_go, counted};
use serde_json::Value;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [machine, figures, pinned] = arguments.as_slice() else {
        panic!("expected the machine, the file of figures and that of the pinned run");
    };
    let [figures, pinned] = [figures, pinned].map(|path| read(Path::new(path)));
    let docs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let mut page = fs::read_to_string(docs.join("performance.md")).expect("the page can be read");
    for (name, text) in [
        ("machine", format!("{machine}.\n")),
        ("tables", tables(&figures)),
        ("pinned", tables(&pinned)),
        ("missed", missed(&figures, &pinned)),
        ("instructions", instructions()),
    ] {
        page = replaced(&page, name, &text);
    }
    fs::write(docs.join("performance.md"), page).expect("the page can be written");
    let charts = docs.join("performance");
    fs::create_dir_all(&charts).expect("the directory of the charts can be made");
    for (name, chart) in [("resolve", resolving(&figures)), ("request", request(&figures))] {
        for (theme, suffix) in Theme::ALL {
            let path = charts.join(format!("{name}-{suffix}.svg"));
            fs::write(path, chart.svg(theme)).expect("the chart can be written");
        }
    }
    println!(
        "client-go was not run: its figures are those of {}",
        client_go::MEASURED
    );
}

fn read(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("the figures can be read");
    let values = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"));
    values.collect()
}

/// The page, with other lines between the marks of this name.
fn replaced(page: &str, name: &str, text: &str) -> String {
    let begin = format!("<!-- {name} -->\n");
    let (before, rest) = page
        .split_once(&begin)
        .unwrap_or_else(|| panic!("the page has no {begin}"));
    let (_, after) = rest
        .split_once("<!-- end -->")
        .unwrap_or_else(|| panic!("{begin} has no end"));
    format!("{before}{begin}\n{}\n\n<!-- end -->{after}", text.trim())
}

fn tables(figures: &[Value]) -> String {
    let mut text = String::new();
    for figure in figures {
        if let Some(head) = figure["head"].as_str() {
            let _ = writeln!(text, "\n**{head}**\n\n{HEAD}");
        } else if let Some(line) = figure["line"].as_str() {
            let _ = writeln!(text, "{line}");
        }
    }
    text
}

/// The rows that miss their target, so that the page names each of them once more.
fn missed(figures: &[Value], pinned: &[Value]) -> String {
    let mut text = String::new();
    for (figures, how) in [(figures, ""), (pinned, ", pinned")] {
        let is_missed = |figure: &&Value| {
            let line = figure["line"].as_str();
            line.is_some_and(|line| line.contains("missed"))
        };
        for row in figures.iter().filter(is_missed) {
            let _ = writeln!(text, "- {}{how}", row["work"].as_str().unwrap_or_default());
        }
    }
    if text.is_empty() { "None.".to_owned() } else { text }
}

fn instructions() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.txt");
    let kept = fs::read_to_string(path).expect("the kept counts can be read");
    let (tools, counts) = kept.split_once('\n').expect("the first line names the tools");
    let tools = tools.trim_start_matches("# ");
    let mut text = format!("Kept counts of {tools}:\n\n| work | instructions |\n|---|---|\n");
    for line in counts.lines() {
        let (work, count) = line.rsplit_once(' ').expect("a line is a work and its count");
        let _ = writeln!(text, "| {work} | {count} |");
    }
    text
}

fn times(figure: &Value) -> Vec<(String, f64)> {
    serde_json::from_value(figure["times"].clone()).unwrap_or_default()
}

/// From a file to a configuration, by the number of contexts.
fn resolving(figures: &[Value]) -> Chart {
    let mut groups = Vec::new();
    for contexts in [1, 10, 100, 1000, 10_000] {
        let contexts_in_words = counted(contexts as usize, "context");
        let begins = format!("{contexts_in_words}, YAML, ");
        let row = figures.iter().find(|figure| {
            figure["work"]
                .as_str()
                .is_some_and(|work| work.starts_with(&begins) && work.ends_with("KiB"))
        });
        let Some(row) = row else { continue };
        let mut bars = times(row);
        if let Some(took) = client_go::resolving(contexts) {
            bars.push(("client-go".to_owned(), nanos(took)));
        }
        groups.push(Group {
            label: contexts_in_words,
            bars,
        });
    }
    Chart {
        title: "From a kubeconfig file to a client configuration (logarithmic)".to_owned(),
        series: ["Kubex", "kube", "client-go"].map(str::to_owned).to_vec(),
        groups,
        is_logarithmic: true,
    }
}

fn nanos(duration: Duration) -> f64 {
    duration.as_nanos() as f64
}

/// What the authentication layer adds to a call.
fn request(figures: &[Value]) -> Chart {
    let rows = figures.iter().filter_map(|figure| {
        let (what, _) = figure["work"]
            .as_str()?
            .strip_prefix("auth layer, ")?
            .split_once(": adds to a call")?;
        let bars = times(figure);
        (bars.len() > 1).then(|| Group {
            label: what.to_owned(),
            bars,
        })
    });
    Chart {
        title: "What the authentication layer adds to a request".to_owned(),
        series: ["Kubex", "kube"].map(str::to_owned).to_vec(),
        groups: rows.collect(),
        is_logarithmic: false,
    }
}
