//! Credentials that the machine offers: a container's endpoint (EKS Pod Identity, ECS) and the metadata of EC2, each a
//! stand-in on 127.0.0.1. The SDK reads their addresses from its process, so each case runs in one of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use crate::scene::{foreign_variables, options, parameters, request, token};

const IN_CHILD: &str = "KUBEX_TEST_MACHINE_IDENTITY";

/// A plain HTTP server that answers by path, and the requests that it got: method, path and `Authorization`.
fn stand_in(answers: &'static [(&'static str, u16, &'static str)]) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut first, mut authorization, mut length) = (String::new(), String::new(), 0);
            let _ = reader.read_line(&mut first);
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) < 3 {
                    break;
                }
                let (name, value) = line.split_once(':').unwrap_or_default();
                match name.to_ascii_lowercase().as_str() {
                    "authorization" => value.trim().clone_into(&mut authorization),
                    "content-length" => length = value.trim().parse().unwrap_or(0),
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            let _ = reader.read_exact(&mut body);
            let path = first.split(' ').nth(1).unwrap_or_default();
            log.lock()
                .unwrap()
                .push(format!("{} {authorization}", first.trim()));
            let found = answers.iter().find(|(known, ..)| *known == path);
            let (status, body) = found.map_or((404, ""), |(_, status, body)| (*status, *body));
            let length = body.len();
            let head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {length}\r\n");
            let head = format!("{head}X-Aws-Ec2-Metadata-Token-Ttl-Seconds: 21600\r\n\r\n");
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    (address, seen)
}

/// Runs this test in a process of its own with these variables, and returns what it printed.
async fn in_child(test: &str, variables: &[(&str, &str)]) -> String {
    let home = tempfile::tempdir().unwrap();
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    for name in foreign_variables() {
        child.env_remove(name);
    }
    child
        .args(["--exact", test, "--nocapture"])
        .envs(variables.iter().copied())
        .env(IN_CHILD, "1")
        .env("HOME", home.path());
    String::from_utf8(child.output().await.unwrap().stdout).unwrap()
}

/// In the child: prints the token, or the error.
async fn print_token() -> bool {
    let is_child = std::env::var_os(IN_CHILD).is_some();
    if is_child {
        match token(kubex::Host::real(), options().set("region", "eu-central-1")).await {
            Ok(token) => println!("<{token}>"),
            Err(error) => println!("<error: {error}>"),
        }
    }
    is_child
}

fn printed(output: &str) -> &str {
    output.split_once('<').unwrap().1.split_once('>').unwrap().0
}

const CREDENTIALS: &str = r#"{"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "ASIAMACHINE", "SecretAccessKey": "s",
    "Token": "t", "Expiration": "2099-01-01T00:00:00Z", "LastUpdated": "2026-01-01T00:00:00Z"}"#;

#[tokio::test]
async fn a_container_gets_its_credentials_from_its_endpoint() {
    if print_token().await {
        return;
    }
    let (address, seen) = stand_in(&[("/v1/credentials", 200, CREDENTIALS)]);
    let address = format!("{address}/v1/credentials");
    let variables = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", address.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "of-the-pod"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let output = in_child(
        "machine_identity::a_container_gets_its_credentials_from_its_endpoint",
        &variables,
    )
    .await;
    let parameters = parameters(&request(printed(&output)));
    assert!(parameters["X-Amz-Credential"].starts_with("ASIAMACHINE/"));
    assert_eq!(parameters["X-Amz-Security-Token"], "t");
    assert_eq!(*seen.lock().unwrap(), ["GET /v1/credentials HTTP/1.1 of-the-pod"]);
}

#[tokio::test]
async fn a_container_that_is_refused_gets_an_error_and_no_other_identity() {
    if print_token().await {
        return;
    }
    let (address, _) = stand_in(&[("/v1/credentials", 403, "denied")]);
    let address = format!("{address}/v1/credentials");
    let variables = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", address.as_str()),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let test = "machine_identity::a_container_that_is_refused_gets_an_error_and_no_other_identity";
    let output = in_child(test, &variables).await;
    assert!(printed(&output).contains("no AWS credentials"), "{output}");
}

#[tokio::test]
async fn an_instance_gets_the_credentials_of_its_role() {
    if print_token().await {
        return;
    }
    let (address, seen) = stand_in(&[
        ("/latest/api/token", 200, "session"),
        ("/latest/meta-data/iam/security-credentials/", 200, "node"),
        (
            "/latest/meta-data/iam/security-credentials/node",
            200,
            CREDENTIALS,
        ),
        ("/latest/meta-data/iam/security-credentials-extended/", 404, ""),
    ]);
    let variables = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", address.as_str())];
    let output = in_child(
        "machine_identity::an_instance_gets_the_credentials_of_its_role",
        &variables,
    )
    .await;
    let parameters = parameters(&request(printed(&output)));
    assert!(
        parameters["X-Amz-Credential"].starts_with("ASIAMACHINE/"),
        "{output}"
    );
    assert!(seen.lock().unwrap()[0].starts_with("PUT /latest/api/token"));
}
