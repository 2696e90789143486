//! All cells, tried and compared.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use kubex::reqwest::Client;
use kubex_tests::api_server::ClientCertificatePem;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::cell::{Cell, Verdict};
use super::peer::Peer;
use super::{authorities, clients, kubectl, servers};

/// The cells that are tried at the same time.
const AT_ONCE: usize = 4;

/// What Kubex makes of a kubeconfig: the verdict, and where it failed and why.
struct Tried {
    verdict: Verdict,
    /// The error of resolving.
    at_resolving: Option<kubex::Error>,
    /// The error of the request.
    at_request: Option<kubex::Error>,
}

async fn try_kubex(kubeconfig: &str) -> Tried {
    let refused = |at_resolving, at_request| Tried {
        verdict: Verdict::Refused,
        at_resolving,
        at_request,
    };
    let configuration = match kubex::configure_from_kubeconfig()
        .bytes(kubeconfig.as_bytes().to_vec())
        .await
    {
        Ok(configuration) => configuration,
        Err(error) => return refused(Some(error), None),
    };
    let client = Client::new(&configuration).expect("what resolving accepts, a client can be made of");
    match client.get("/version").expect("a path").send().await {
        Ok(response) if response.status().is_success() => Tried {
            verdict: Verdict::Connects,
            at_resolving: None,
            at_request: None,
        },
        Ok(response) => panic!("the server responded {}", response.status()),
        Err(error) => refused(None, Some(error)),
    }
}

/// What is not as the cell says; `None` if the cell cannot be tried here.
async fn check(cell: &Cell, kubectl: Option<&PathBuf>) -> Option<Vec<String>> {
    let peer = Peer::start(cell).await.expect("the server starts")?;
    let kubeconfig = cell.kubeconfig(peer.url());
    let mut problems = Vec::new();
    let tried = try_kubex(&kubeconfig).await;
    if tried.verdict == cell.kubex {
        problems.extend(problems_of_error(cell, &tried));
    } else {
        problems.push(format!(
            "Kubex: {:?} ({:?} {:?})",
            tried.verdict,
            tried.at_resolving.map(|it| it.to_string()),
            tried.at_request.map(|it| it.to_string())
        ));
    }
    let arrived = peer.arrived();
    if tried.verdict == Verdict::Connects
        && let Some((certificate, _)) = &cell.client
    {
        // As a plain block, so that the suite's own reader finds it.
        let text = String::from_utf8_lossy(certificate);
        let plain: Vec<_> = text
            .lines()
            .map(str::trim_end)
            .skip_while(|line| *line != "-----BEGIN CERTIFICATE-----")
            .filter(|line| !line.contains(':'))
            .collect();
        let sent = ClientCertificatePem {
            certificate: plain.join("\n"),
            key: String::new(),
        };
        if arrived != [Some(sent.sha256())] {
            problems.push(format!("another certificate arrived: {arrived:?}"));
        }
    }
    if let Some(program) = kubectl {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("config");
        std::fs::write(&file, &kubeconfig).expect("the kubeconfig can be written");
        let (verdict, said) = kubectl::ask(program, &file).await;
        if verdict != cell.kubectl() {
            problems.push(format!("kubectl: {verdict:?} {said}"));
        }
    }
    peer.stop().await;
    Some(problems)
}

/// What is wrong with the client's certificate is said at resolving, with the field and one thing to do. What is wrong
/// with the server's is said in a sentence.
fn problems_of_error(cell: &Cell, tried: &Tried) -> Vec<String> {
    let mut problems = Vec::new();
    if cell.client.is_some() && tried.at_request.is_some() {
        problems.push("the client's certificate is refused only at the request".to_owned());
    }
    for error in tried.at_resolving.iter().flat_map(kubex::Error::problems) {
        if error.origin().is_none() || error.help().is_none() {
            problems.push(format!("the error has no place or no help: {error:?}"));
        }
    }
    if let Some(error) = &tried.at_request {
        let text = error.message();
        if text.contains("Other(") || text.contains(" { ") || text.contains("Context") {
            problems.push(format!("the error shows the inside of a library: {text}"));
        }
    }
    problems
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_connects_with_kubectl_connects_with_kubex_and_nothing_else_does() {
    let began = std::time::Instant::now();
    let kubectl = kubectl::find();
    let only = std::env::var("CELL").unwrap_or_default();
    let cells: Vec<Cell> = [servers::cells(), authorities::cells(), clients::cells()].concat();
    let names: BTreeSet<_> = cells.iter().map(|cell| cell.name.clone()).collect();
    assert_eq!(names.len(), cells.len(), "two cells have the same name");
    assert!(cells.len() >= 150, "{} cells", cells.len());
    let count = cells.len();
    let refused = cells
        .iter()
        .filter(|cell| cell.kubectl() == Verdict::Refused)
        .count();
    let reasons: BTreeSet<_> = cells.iter().filter_map(|cell| cell.only_kubectl).collect();
    let only_kubectl = cells.iter().filter(|cell| cell.only_kubectl.is_some()).count();

    let at_once = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = JoinSet::new();
    for cell in cells.into_iter().filter(|cell| cell.name.contains(&only)) {
        let (at_once, kubectl) = (Arc::clone(&at_once), kubectl.clone());
        tasks.spawn(async move {
            let _place = at_once.acquire().await.expect("it is never closed");
            (cell.name.clone(), check(&cell, kubectl.as_ref()).await)
        });
    }
    let (mut wrong, mut not_tried) = (Vec::new(), 0);
    while let Some(checked) = tasks.join_next().await {
        match checked.expect("a cell does not panic") {
            (name, Some(problems)) => {
                wrong.extend(problems.into_iter().map(|problem| format!("{name}: {problem}")));
            }
            (_, None) => not_tried += 1,
        }
    }
    wrong.sort();
    println!(
        "certificates: {count} cells in {} s, {refused} refused by both, {only_kubectl} connect with kubectl alone, for {} \
         reasons",
        began.elapsed().as_secs(),
        reasons.len()
    );
    if not_tried > 0 {
        println!("NOT TESTED: {not_tried} certificates of servers, because there is no openssl");
    }
    if kubectl.is_none() {
        println!("NOT TESTED: the certificates with kubectl, because there is none of 1.33 or later");
    }
    assert!(
        wrong.is_empty(),
        "{} problems:\n{}",
        wrong.len(),
        wrong.join("\n")
    );

    let page = include_str!("../../../docs/kubeconfig.md");
    assert!(reasons.len() <= 4, "{reasons:?}");
    for reason in reasons {
        assert!(
            page.contains(reason.title()),
            "docs/kubeconfig.md does not list: {}",
            reason.title()
        );
    }
}
