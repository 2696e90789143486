//! A client of kube for the server, and what it is answered.

use http::{Request, StatusCode, Version};
use kube::Client;
use kube::client::Body;
use kubex::{ClientConfigurationBuilder, Error};
use kubex_tests::api_server::ApiServer;
use kubex_tests::machine::patience;

pub(crate) use crate::scene::*;

pub(crate) fn client(builder: ClientConfigurationBuilder) -> Client {
    kubex::kube::client(&built(builder)).unwrap()
}

pub(crate) async fn status(client: &Client, path: &str) -> kube::Result<StatusCode> {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let sent = client.send(request);
    Ok(tokio::time::timeout(patience(LIMIT), sent)
        .await
        .unwrap()?
        .status())
}

/// Requests that are under way at the same time, and their answers.
pub(crate) async fn statuses(client: &Client, count: usize) -> Vec<StatusCode> {
    let tasks: Vec<_> = (0..count)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { status(&client, "/version").await.unwrap() })
        })
        .collect();
    let mut statuses = Vec::with_capacity(count);
    for task in tasks {
        statuses.push(task.await.unwrap());
    }
    statuses
}

/// The error of Kubex's that kube hands on.
pub(crate) fn own(error: &kube::Error) -> &Error {
    let kube::Error::Service(error) = error else {
        panic!("no error of a service: {error}")
    };
    error.downcast_ref().expect("an error of Kubex's")
}

pub(crate) async fn failure(client: &Client) -> kube::Error {
    status(client, "/version").await.unwrap_err()
}

/// All that arrived came by this protocol.
pub(crate) fn assert_spoke(server: &ApiServer, version: Version) {
    for request in server.requests() {
        assert_eq!(request.version, version);
    }
}
