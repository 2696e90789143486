//! What is missing is said while the chain resolves, before anything is asked.

use kubex::{ErrorKind, Options};

use crate::scene::{keys, machine, options, request, resolve, token, write};

/// Files with their contents, or variables with their values.
type Pairs = Vec<(&'static str, &'static str)>;

async fn refused(files: &[(&str, &str)], variables: &[(&str, &str)], options: Options) -> kubex::Error {
    let home = tempfile::tempdir().unwrap();
    for (file, content) in files {
        write(home.path(), file, content);
    }
    resolve(machine(home.path(), variables), options)
        .await
        .unwrap_err()
}

#[tokio::test]
async fn what_is_missing_is_an_error_of_resolving() {
    let in_region = || options().set("region", "eu-central-1");
    let cases: Vec<(&str, Pairs, Pairs, Options, ErrorKind)> = vec![
        (
            "no AWS region",
            vec![],
            keys(),
            options(),
            ErrorKind::MissingField,
        ),
        (
            "not a valid AWS region",
            vec![],
            keys(),
            options().set("region", "eu.example@x"),
            ErrorKind::InvalidValue,
        ),
        (
            "\"cluster\" is empty",
            vec![],
            keys(),
            in_region().set("cluster", ""),
            ErrorKind::MissingField,
        ),
        (
            "not a valid name of an EKS cluster",
            vec![],
            keys(),
            in_region().set("cluster", "a b"),
            ErrorKind::InvalidValue,
        ),
        (
            "without \"role\"",
            vec![],
            keys(),
            in_region().set("external-id", "x"),
            ErrorKind::MissingField,
        ),
        (
            "set without AWS_SECRET_ACCESS_KEY",
            vec![],
            vec![("AWS_ACCESS_KEY_ID", "AKIA")],
            in_region(),
            ErrorKind::MissingField,
        ),
        (
            "the AWS profile \"absent\" does not exist",
            vec![(".aws/config", "[profile work]\nregion = eu-west-1\n")],
            vec![("AWS_PROFILE", "absent")],
            in_region(),
            ErrorKind::InvalidValue,
        ),
        (
            "sets \"credential_process\", which names a program",
            vec![(".aws/config", "[profile work]\ncredential_process = /bin/false\n")],
            vec![("AWS_PROFILE", "work")],
            in_region(),
            ErrorKind::Unsupported,
        ),
        (
            "the AWS profile \"base\" sets \"credential_process\"",
            vec![(
                ".aws/config",
                "[profile work]\nrole_arn = a\nsource_profile = base\n[profile base]\ncredential_process = x\n",
            )],
            vec![],
            in_region().set("profile", "work"),
            ErrorKind::Unsupported,
        ),
        (
            "the AWS profile \"gone\" does not exist",
            vec![(
                ".aws/config",
                "[profile work]\nrole_arn = a\nsource_profile = gone\n",
            )],
            vec![],
            in_region().set("profile", "work"),
            ErrorKind::InvalidValue,
        ),
        (
            "or to itself",
            vec![(
                ".aws/config",
                "[profile a]\nrole_arn = a\nsource_profile = b\n[profile b]\nrole_arn = b\nsource_profile = a\n",
            )],
            vec![],
            in_region().set("profile", "a"),
            ErrorKind::InvalidValue,
        ),
        (
            "not valid",
            vec![(".aws/config", "[profile work\n")],
            keys(),
            in_region(),
            ErrorKind::MalformedDocument,
        ),
        (
            "does not hold an https address",
            vec![],
            [keys(), vec![("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")]].concat(),
            in_region(),
            ErrorKind::InvalidValue,
        ),
        (
            "not a valid choice of STS endpoints",
            vec![],
            [keys(), vec![("AWS_STS_REGIONAL_ENDPOINTS", "global")]].concat(),
            in_region(),
            ErrorKind::InvalidValue,
        ),
    ];
    for (message, files, variables, options, kind) in cases {
        let error = refused(&files, &variables, options).await;
        let problem = error.problems().next().unwrap();
        assert_eq!(problem.kind(), kind, "{message}: {error}");
        assert!(problem.message().contains(message), "{message}: {error}");
        assert!(problem.help().is_some(), "{message}: {error}");
    }
}

const ROLE: &str = "[default]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = base\n[profile base]\n\
                    aws_access_key_id = AKIABASE\naws_secret_access_key = secret-of-base\n";

#[tokio::test]
async fn a_variable_that_the_sdk_reads_from_a_process_that_has_another_is_an_error_of_resolving() {
    let sso = "[default]\nsso_start_url = https://x\nsso_account_id = 1\nsso_role_name = r\nsso_region = eu-west-1\n";
    let of_machine = "[default]\nrole_arn = r\ncredential_source = Ec2InstanceMetadata\n";
    for (config, name, value) in [
        (ROLE, "AWS_ENDPOINT_URL_STS", "https://127.0.0.1:1"),
        (ROLE, "AWS_ENDPOINT_URL", "https://127.0.0.1:1"),
        (sso, "HOME", ""),
        (of_machine, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "x"),
        (
            of_machine,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT",
            "http://127.0.0.1:1",
        ),
        ("", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1"),
        ("", "AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1"),
        ("", "HOME", ""),
    ] {
        let variables = if value.is_empty() {
            vec![]
        } else {
            vec![(name, value)]
        };
        let options = options().set("region", "eu-central-1");
        let error = refused(&[(".aws/config", config)], &variables, options).await;
        let problem = error.problems().next().unwrap();
        assert_eq!(problem.kind(), ErrorKind::Unsupported, "{name}: {error}");
        let expected = format!("the variable {name} has another value in the environment of the process");
        assert!(problem.message().starts_with(&expected), "{name}: {error}");
        assert!(problem.help().is_some(), "{name}: {error}");
    }
    // None of them is read for the role of an option.
    let home = tempfile::tempdir().unwrap();
    write(home.path(), ".aws/config", ROLE);
    let variables = [keys(), vec![("AWS_ENDPOINT_URL_STS", "https://127.0.0.1:1")]].concat();
    let options = options().set("region", "eu-central-1").set("role", "r");
    resolve(machine(home.path(), &variables), options).await.unwrap();
}

#[tokio::test]
async fn with_the_metadata_disabled_on_this_host_nothing_is_asked() {
    let home = tempfile::tempdir().unwrap();
    let variables = [("AWS_EC2_METADATA_DISABLED", "true")];
    let options = options().set("region", "eu-central-1");
    let error = token(machine(home.path(), &variables), options)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.message().contains("metadata of EC2 is disabled"), "{error}");
}

#[tokio::test]
async fn an_invalid_proxy_is_an_error_and_never_a_direct_connection() {
    let home = tempfile::tempdir().unwrap();
    let variables = [keys(), vec![("HTTPS_PROXY", "http://[s3cret")]].concat();
    let options = options().set("region", "eu-central-1").set("role", "r");
    let error = token(machine(home.path(), &variables), options)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidValue, "{error}");
    assert!(format!("{error:?} {error}").contains("HTTPS_PROXY"), "{error}");
    assert!(!format!("{error:?} {error}").contains("s3cret"), "{error}");
}

#[tokio::test]
async fn a_profile_chosen_by_an_option_wins_over_keys_in_variables() {
    let home = tempfile::tempdir().unwrap();
    write(
        home.path(),
        ".aws/credentials",
        "[work]\naws_access_key_id = AKIAWORK\naws_secret_access_key = secret-of-work\n",
    );
    let options = || options().set("region", "eu-central-1");
    let host = || machine(home.path(), &keys());
    let by_option = token(host(), options().set("profile", "work")).await.unwrap();
    assert!(request(&by_option).as_str().contains("AKIAWORK"));
    let by_variable = token(host().with_variable("AWS_PROFILE", Some("work")), options())
        .await
        .unwrap();
    assert!(!request(&by_variable).as_str().contains("AKIAWORK"));
}

#[tokio::test]
async fn a_new_session_in_the_profile_is_used_by_the_next_token() {
    let home = tempfile::tempdir().unwrap();
    let login = |id: &str| {
        let profile =
            format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = secret-of-{id}\n");
        write(home.path(), ".aws/credentials", &profile);
    };
    login("AKIAFIRST");
    let options = options().set("region", "eu-central-1");
    let configuration = resolve(machine(home.path(), &[]), options).await.unwrap();
    let credentials = configuration.credentials();
    let first = credentials.current().await.unwrap();
    login("AKIASECOND");
    credentials.invalidate(first.generation());
    let second = credentials.current().await.unwrap();
    let token = kubex::ExposeSecret::expose_secret(second.token().unwrap());
    assert!(request(token).as_str().contains("AKIASECOND"));
}

#[tokio::test]
async fn the_configuration_of_the_readme_is_valid() {
    crate::readme::check_configuration(include_str!("../../../../providers/eks/README.md")).await;
}
