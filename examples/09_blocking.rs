//! A program without an async runtime: it asks for the headers of each request anew, and sends with any HTTP client.

use std::error::Error;

use kubex::blocking;
use kubex_tests::api_server::{ApiServer, User};

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let cluster = Cluster::start()?;
    // In a program of your own: kubex::blocking::resolve()?
    let configuration = blocking::wait(
        kubex::configure()
            .url(cluster.server.url())
            .server_ca_pem(cluster.server.ca_pem())
            .token("abc")
            .namespace("team-a"),
    )?;
    println!(
        "server {}, namespace {}",
        configuration.cluster().server,
        configuration.namespace()
    );

    let headers = blocking::headers(&configuration)?;
    for name in headers.keys() {
        println!("a request carries {name}");
    }
    let credential = blocking::current(&configuration)?;
    println!(
        "the credential: {}, given by {}",
        credential.description(),
        credential.provenance()
    );

    // Kubex's own client works too: wait for its answer.
    let client = kubex::reqwest::Client::new(&configuration)?;
    let answer = blocking::wait(client.get("/version")?.send())?;
    println!("GET /version: {}", answer.status());

    // Inside an async runtime it returns an error and does not block the runtime's thread.
    let runtime = tokio::runtime::Runtime::new()?;
    match runtime.block_on(async { blocking::headers(&configuration) }) {
        Err(error) => println!("inside of a runtime: {error}"),
        Ok(_) => return Err("it did not return an error".into()),
    }
    if answer.status().is_success() {
        Ok(())
    } else {
        Err("the server refused".into())
    }
}

/// The server of this example, in an async runtime of its own.
struct Cluster {
    server: ApiServer,
    _runtime: tokio::runtime::Runtime,
}

impl Cluster {
    fn start() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let server = runtime.block_on(ApiServer::builder().start())?;
        server.accept_token("abc", User::new("worker"));
        Ok(Self {
            server,
            _runtime: runtime,
        })
    }
}

#[cfg(test)]
#[test]
fn it_runs() {
    main().unwrap();
}
