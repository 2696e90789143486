//! A client for the server, and what it is answered.

use http::StatusCode;
use kubex::reqwest::Client;
use kubex::{ClientConfigurationBuilder, Error, Result};
use kubex_tests::machine::patience;

pub(crate) use crate::scene::*;

pub(crate) fn client(builder: ClientConfigurationBuilder) -> Client {
    Client::new(&built(builder)).unwrap()
}

pub(crate) async fn get(client: &Client, path: &str) -> Result<reqwest::Response> {
    let sent = client.send(client.get(path).unwrap());
    tokio::time::timeout(patience(LIMIT), sent).await.unwrap()
}

pub(crate) async fn status(client: &Client, path: &str) -> StatusCode {
    get(client, path).await.unwrap().status()
}

pub(crate) async fn failure(client: &Client) -> Error {
    get(client, "/version").await.map(drop).unwrap_err()
}

/// Requests that are under way at the same time, and their answers.
pub(crate) async fn statuses(client: &Client, count: usize) -> Vec<StatusCode> {
    let tasks: Vec<_> = (0..count)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { status(&client, "/version").await })
        })
        .collect();
    let mut statuses = Vec::with_capacity(count);
    for task in tasks {
        statuses.push(task.await.unwrap());
    }
    statuses
}
