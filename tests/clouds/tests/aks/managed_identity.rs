//! Managed identities: of a virtual machine by a stand-in of its metadata service, and of App Service. The SDK reads the
//! address of App Service from its process, so these cases run in processes of their own.

use std::time::{Duration, SystemTime};

use kubex::{ErrorKind, ExposeSecret as _};

use crate::scene::{CLIENT, credential, foreign_variables, machine, options, resolve, token};
use crate::stand_in::{issued, start};

const IN_CHILD: &str = "KUBEX_TEST_MANAGED_IDENTITY";
const METADATA: &str = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
const PATH: &str = "GET /metadata/identity/oauth2/token?api-version=2019-08-01\
                    &resource=6dae42f8-4368-4678-94ff-3960e28e3630";

#[tokio::test]
async fn a_machine_gets_the_token_of_its_own_identity() {
    let home = tempfile::tempdir().unwrap();
    let lifetime = Duration::from_hours(24);
    let (address, requests) = start(200, issued("of-the-machine", lifetime));
    let host = machine(home.path(), &[(METADATA, &address)]);
    let configuration = resolve(host, options("msi")).await.unwrap();
    // Resolving asked nothing.
    assert!(requests.lock().unwrap().is_empty());
    let credential = configuration.credentials().current().await.unwrap();
    assert_eq!(credential.token().unwrap().expose_secret(), "of-the-machine");
    let expiry = credential.expires_at().unwrap();
    let expected = SystemTime::now() + lifetime;
    assert!(expiry <= expected && expiry > expected - Duration::from_mins(10));
    assert_eq!(*requests.lock().unwrap(), [format!("{PATH} metadata: true")]);
}

#[tokio::test]
async fn an_identity_that_is_assigned_is_named_by_its_client_or_resource() {
    let home = tempfile::tempdir().unwrap();
    let (address, requests) = start(200, issued("t", Duration::from_hours(1)));
    let variables = [(METADATA, address.as_str())];
    let by_variable = [
        (METADATA, address.as_str()),
        ("AZURE_CLIENT_ID", "of-the-variable"),
    ];
    let resource =
        "/subscriptions/s/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i";
    for (variables, options, query) in [
        (
            &variables[..],
            options("msi").set("client-id", CLIENT),
            format!("&client_id={CLIENT}"),
        ),
        (
            &by_variable,
            options("msi"),
            "&client_id=of-the-variable".to_owned(),
        ),
        (
            &by_variable,
            options("msi").set("identity-resource-id", resource),
            format!("&msi_res_id={}", resource.replace('/', "%2F")),
        ),
    ] {
        token(machine(home.path(), variables), options).await.unwrap();
        let last = requests.lock().unwrap().pop().unwrap();
        assert_eq!(last, format!("{PATH}{query} metadata: true"));
    }
}

#[tokio::test]
async fn an_identity_that_is_not_assigned_is_an_error_that_says_so() {
    let home = tempfile::tempdir().unwrap();
    let body = r#"{"error": "invalid_request", "error_description": "Identity not found: s3cret"}"#;
    let (address, requests) = start(400, body.to_owned());
    let error = credential(machine(home.path(), &[(METADATA, &address)]), options("msi"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(
        error.message(),
        "the managed identity service of this machine refused a token: HTTP status 400"
    );
    assert!(
        error.help().unwrap().contains("assigned to this machine"),
        "{error}"
    );
    assert!(!format!("{error:?} {error}").contains("s3cret"), "{error}");
    assert_eq!(requests.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_metadata_service_that_is_busy_is_asked_a_few_times_and_its_status_is_shown() {
    let home = tempfile::tempdir().unwrap();
    let (address, requests) = start(503, "s3cret".to_owned());
    let error = credential(machine(home.path(), &[(METADATA, &address)]), options("msi"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(
        error.message().ends_with("refused a token: HTTP status 503"),
        "{error}"
    );
    assert!(error.help().unwrap().contains("later"), "{error}");
    assert!(!format!("{error:?} {error}").contains("s3cret"), "{error}");
    assert_eq!(requests.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn a_token_that_has_expired_on_arrival_is_not_asked_for_in_a_loop() {
    let home = tempfile::tempdir().unwrap();
    let (address, requests) = start(200, issued("t", Duration::ZERO));
    let host = machine(home.path(), &[(METADATA, &address)]);
    let configuration = resolve(host, options("msi")).await.unwrap();
    for _ in 0..5 {
        let _ = configuration.credentials().current().await;
    }
    assert!(requests.lock().unwrap().len() <= 2);
}

/// Runs this test in a process of its own with these variables, and returns what it printed.
async fn in_child(test: &str, variables: &[(&str, &str)]) -> String {
    let home = tempfile::tempdir().unwrap();
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    for name in foreign_variables() {
        child.env_remove(name);
    }
    child
        .args(["--exact", &format!("managed_identity::{test}"), "--nocapture"])
        .envs(variables.iter().copied())
        .env(IN_CHILD, "1")
        .env("HOME", home.path());
    let output = String::from_utf8(child.output().await.unwrap().stdout).unwrap();
    let printed = output.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    printed.unwrap_or_else(|| panic!("{output}")).0.to_owned()
}

/// In the child: prints the token, or the error.
async fn print_token(options: kubex::Options) -> bool {
    let is_child = std::env::var_os(IN_CHILD).is_some();
    if is_child {
        match token(kubex::Host::real(), options).await {
            Ok(token) => println!("<{token}>"),
            Err(error) => println!("<{:?}: {}>", error.kind(), error.message()),
        }
    }
    is_child
}

#[tokio::test]
async fn app_service_gets_its_token_with_the_header_of_its_process() {
    if print_token(options("msi").set("client-id", CLIENT)).await {
        return;
    }
    let (address, requests) = start(200, issued("of-the-app", Duration::from_hours(1)));
    let endpoint = format!("{address}/msi/token");
    let variables = [
        ("IDENTITY_ENDPOINT", endpoint.as_str()),
        ("IDENTITY_HEADER", "proof"),
    ];
    let printed = in_child(
        "app_service_gets_its_token_with_the_header_of_its_process",
        &variables,
    )
    .await;
    assert_eq!(printed, "of-the-app");
    assert_eq!(
        *requests.lock().unwrap(),
        [format!(
            "GET /msi/token?api-version=2019-08-01&resource=6dae42f8-4368-4678-94ff-3960e28e3630&client_id={CLIENT} \
             metadata: true x-identity-header: proof"
        )]
    );
}

#[tokio::test]
async fn a_managed_identity_that_the_sdk_does_not_know_is_never_another_one() {
    if print_token(options("msi")).await {
        return;
    }
    let (address, requests) = start(200, issued("of-another", Duration::from_hours(1)));
    for (variables, name) in [
        (vec![("MSI_ENDPOINT", address.as_str())], "MSI_ENDPOINT"),
        (
            vec![
                ("IDENTITY_ENDPOINT", address.as_str()),
                ("IMDS_ENDPOINT", &address),
            ],
            "IDENTITY_ENDPOINT",
        ),
        (
            vec![
                ("IDENTITY_ENDPOINT", address.as_str()),
                ("IDENTITY_HEADER", "h"),
                ("IDENTITY_SERVER_THUMBPRINT", "t"),
            ],
            "IDENTITY_ENDPOINT",
        ),
    ] {
        let all = [&variables[..], &[(METADATA, &address)]].concat();
        let printed = in_child(
            "a_managed_identity_that_the_sdk_does_not_know_is_never_another_one",
            &all,
        )
        .await;
        assert!(
            printed.starts_with("Exhausted") || printed.starts_with("Unsupported"),
            "{printed}"
        );
        assert!(
            printed.contains(&format!("the variable {name} names a kind of managed identity")),
            "{printed}"
        );
    }
    assert!(requests.lock().unwrap().is_empty());
}
