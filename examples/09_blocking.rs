//! A program without an async runtime: it asks for the headers of each request anew, and sends with what it likes.

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

    // Kubex's own client works as well, waited for.
    let client = kubex::reqwest::Client::new(&configuration)?;
    let answer = blocking::wait(client.get("/version")?.send())?;
    println!("GET /version: {}", answer.status());

    // In an async runtime it does not hold up the runtime's thread, but says so.
    let runtime = tokio::runtime::Runtime::new()?;
    match runtime.block_on(async { blocking::headers(&configuration) }) {
        Err(error) => println!("inside of a runtime: {error}"),
        Ok(_) => return Err("it was to be refused".into()),
    }
    if answer.status().is_success() {
        Ok(())
    } else {
        Err("the server refused".into())
    }
}

/// The server of this example. It is async, and lives in a runtime that the rest of the program does not see.
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
