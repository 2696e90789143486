//! A client for the server, and its answers.

use http::StatusCode;
use kubex::{ClientConfigurationBuilder, Error};
use kubex_tests::machine::patience;

pub(crate) use crate::scene::*;
pub(crate) use crate::under_test::{Answer, Body, ClientUnderTest, Failure, Request};

pub(crate) fn client<C: ClientUnderTest>(builder: ClientConfigurationBuilder) -> C {
    C::new(&built(builder)).unwrap()
}

pub(crate) async fn send<C: ClientUnderTest>(client: &C, request: Request) -> Result<Answer, Failure> {
    send_in_a_crowd(client, request, 1).await
}

/// Sends one of many requests, which wait for each other.
async fn send_in_a_crowd<C: ClientUnderTest>(
    client: &C,
    request: Request,
    hundreds: u32,
) -> Result<Answer, Failure> {
    tokio::time::timeout(patience(LIMIT) * hundreds, client.send(request))
        .await
        .unwrap()
}

pub(crate) async fn status<C: ClientUnderTest>(client: &C, path: &str) -> StatusCode {
    send(client, Request::get(path)).await.unwrap().status
}

/// Requests that are under way at the same time, and the statuses of their answers.
pub(crate) async fn statuses<C: ClientUnderTest>(client: &C, count: usize) -> Vec<StatusCode> {
    let hundreds = u32::try_from(count / 100).unwrap().max(1);
    let tasks: Vec<_> = (0..count)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                let answer = send_in_a_crowd(&client, Request::get("/version"), hundreds).await;
                answer.unwrap().status
            })
        })
        .collect();
    let mut statuses = Vec::with_capacity(count);
    for task in tasks {
        statuses.push(task.await.unwrap());
    }
    statuses
}

pub(crate) async fn failure<C: ClientUnderTest>(client: &C) -> Failure {
    send(client, Request::get("/version")).await.unwrap_err()
}

/// The error of Kubex that a client fails with which connects by itself.
pub(crate) async fn own_failure<C: ClientUnderTest>(client: &C) -> Error {
    let failure = failure(client).await;
    failure
        .own()
        .unwrap_or_else(|| panic!("not an error of Kubex: {failure:?}"))
        .clone()
}

/// Nothing of what a failure says is a secret.
pub(crate) fn assert_failure_hides(failure: &Failure, secrets: &[&str]) {
    let text = failure.text();
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} shows in: {text}");
    }
}
