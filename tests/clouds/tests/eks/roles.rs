//! Credentials that AWS issues, from a stand-in of STS on 127.0.0.1.

use http::StatusCode;
use kubex::{ErrorKind, Options};
use kubex_tests::issuer::{Issuer, IssuerAnswer};

use crate::scene::{foreign_variables, keys, machine, options, parameters, request, resolve, token, write};

const ROLE: &str = "arn:aws:iam::123456789012:role/deployer";

/// The answer of STS to `action`, with these keys and this expiry.
fn assumed(action: &str, id: &str, expiry: &str) -> IssuerAnswer {
    let xml = format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result><Credentials>\
         <AccessKeyId>{id}</AccessKeyId><SecretAccessKey>secret-of-the-role</SecretAccessKey>\
         <SessionToken>session-of-the-role</SessionToken><Expiration>{expiry}</Expiration></Credentials>\
         <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/deployer/s</Arn>\
         <AssumedRoleId>AROA:s</AssumedRoleId></AssumedRoleUser></{action}Result></{action}Response>"
    );
    IssuerAnswer::Raw(StatusCode::OK, xml.into())
}

/// STS, and the variables that lead to it.
async fn sts(home: &std::path::Path) -> (Issuer, String, String) {
    let sts = Issuer::start().await.unwrap();
    write(home, "ca.pem", &sts.ca_pem());
    let bundle = home.join("ca.pem").to_str().unwrap().to_owned();
    let address = sts.origin().to_owned();
    (sts, address, bundle)
}

fn with_role() -> Options {
    options().set("region", "eu-central-1").set("role", ROLE)
}

#[tokio::test]
async fn a_role_is_assumed_and_signs_the_token() {
    let home = tempfile::tempdir().unwrap();
    let (sts, address, bundle) = sts(home.path()).await;
    sts.answer("/", assumed("AssumeRole", "ASIAROLE", "2099-01-01T00:00:00Z"));
    let mut variables = keys();
    variables.extend([
        ("AWS_ENDPOINT_URL_STS", address.as_str()),
        ("AWS_CA_BUNDLE", bundle.as_str()),
    ]);
    let options = with_role().set("external-id", "between us");
    let token = token(machine(home.path(), &variables), options).await.unwrap();
    let parameters = parameters(&request(&token));
    assert!(parameters["X-Amz-Credential"].starts_with("ASIAROLE/"));
    assert_eq!(parameters["X-Amz-Security-Token"], "session-of-the-role");

    let requests = sts.requests();
    assert_eq!(requests.len(), 1);
    for (name, value) in [
        ("Action", "AssumeRole"),
        ("RoleArn", ROLE),
        ("RoleSessionName", "EKSGetTokenAuth"),
        ("ExternalId", "between us"),
    ] {
        assert_eq!(requests[0].field(name), Some(value), "{name}");
    }
}

/// The SDK reads the address of STS for the roles of profiles from its process, so this runs in one of its own.
#[tokio::test]
async fn a_chain_of_profiles_ends_in_the_role_of_the_last() {
    const IN_CHILD: &str = "KUBEX_TEST_IN_A_PROCESS_OF_ITS_OWN";
    if std::env::var_os(IN_CHILD).is_some() {
        let token = token(kubex::Host::real(), options()).await.unwrap();
        println!("<{token}>");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let (sts, address, bundle) = sts(home.path()).await;
    sts.answer("/", assumed("AssumeRole", "ASIAPROFILE", "2099-01-01T00:00:00Z"));
    write(
        home.path(),
        ".aws/config",
        &format!(
            "[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = secret-of-base\n\
             [profile deploy]\nrole_arn = {ROLE}\nsource_profile = base\nrole_session_name = mine\nregion = eu-west-1\n"
        ),
    );
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    for name in foreign_variables() {
        child.env_remove(name);
    }
    child
        .args([
            "--exact",
            "roles::a_chain_of_profiles_ends_in_the_role_of_the_last",
            "--nocapture",
        ])
        .envs([
            (IN_CHILD, "1"),
            ("AWS_PROFILE", "deploy"),
            ("AWS_ENDPOINT_URL_STS", &address),
            ("AWS_CA_BUNDLE", &bundle),
            ("HOME", home.path().to_str().unwrap()),
        ]);
    let output = child.output().await.unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let token = output.split_once('<').unwrap().1.split_once('>').unwrap().0;
    let parameters = parameters(&request(token));
    assert!(parameters["X-Amz-Credential"].starts_with("ASIAPROFILE/"));
    let requests = sts.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].field("RoleSessionName"), Some("mine"));
    assert!(
        requests[0]
            .authorization
            .as_ref()
            .unwrap()
            .contains("Credential=AKIABASE/")
    );
}

#[tokio::test]
async fn a_token_expires_no_later_than_the_role_that_signed_it() {
    let home = tempfile::tempdir().unwrap();
    let (sts, address, bundle) = sts(home.path()).await;
    let soon = std::time::SystemTime::now() + std::time::Duration::from_mins(5);
    let soon = kubex_core::time::rfc3339(soon).to_string();
    sts.answer("/", assumed("AssumeRole", "ASIAROLE", &soon));
    let mut variables = keys();
    variables.extend([
        ("AWS_ENDPOINT_URL_STS", address.as_str()),
        ("AWS_CA_BUNDLE", bundle.as_str()),
    ]);
    let configuration = resolve(machine(home.path(), &variables), with_role())
        .await
        .unwrap();
    // Resolving asked nothing.
    assert!(sts.requests().is_empty());
    let credential = configuration.credentials().current().await.unwrap();
    assert_eq!(
        kubex_core::time::rfc3339(credential.expires_at().unwrap()).to_string(),
        soon
    );
}

#[tokio::test]
async fn a_role_that_may_not_be_assumed_is_an_error_that_names_it() {
    let home = tempfile::tempdir().unwrap();
    let (sts, address, bundle) = sts(home.path()).await;
    let xml = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User jane is not authorized\
               </Message></Error><RequestId>1</RequestId></ErrorResponse>";
    sts.answer("/", IssuerAnswer::Raw(StatusCode::FORBIDDEN, xml.into()));
    let mut variables = keys();
    variables.extend([
        ("AWS_ENDPOINT_URL_STS", address.as_str()),
        ("AWS_CA_BUNDLE", bundle.as_str()),
    ]);
    let error = token(machine(home.path(), &variables), with_role())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains(ROLE), "{error}");
    assert!(error.message().contains("AccessDenied"), "{error}");
    assert!(error.help().unwrap().contains("assume the role"), "{error}");
}

/// Two identities that share a credential in the store would be a user with the token of another one.
#[tokio::test]
async fn the_identity_in_the_store_is_that_of_keys_and_tokens_and_the_machine_has_none() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), ".aws/config", "[default]\nregion = eu-central-1\n");
    let identity = async |variables: &[(&str, &str)]| {
        let configuration = resolve(machine(home.path(), variables), options()).await.unwrap();
        let identity = configuration.credentials().store_identity().await;
        identity.map(|identity| identity.expose().to_vec())
    };
    let one = keys();
    let other = [one[0], ("AWS_SECRET_ACCESS_KEY", "another")];
    assert!(identity(&one).await.is_some());
    assert_eq!(identity(&one).await, identity(&one).await);
    assert_ne!(identity(&one).await, identity(&other).await);
    let token = home.path().join("token").display().to_string();
    let web = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.as_str()),
        ("AWS_ROLE_ARN", "arn:aws:iam::1:role/r"),
    ];
    write(home.path(), "token", "of-one-pod");
    let of_one_pod = identity(&web).await;
    write(home.path(), "token", "of-another-pod");
    assert!(of_one_pod.is_some());
    assert_ne!(of_one_pod, identity(&web).await);
    // Without keys, only the machine can have some.
    assert_eq!(identity(&[("AWS_EC2_METADATA_DISABLED", "true")]).await, None);
}
