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
            "the AWS profile \"wrok\" does not exist",
            vec![(".aws/config", "[profile work]\nregion = eu-west-1\n")],
            vec![("AWS_PROFILE", "wrok")],
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
    let readme = include_str!("../../../../providers/eks/README.md");
    let written = readme
        .split_once("```yaml\n")
        .unwrap()
        .1
        .split_once("```")
        .unwrap()
        .0;
    let world = kubex_core::host::SimulatedHost::new();
    world.set_variable("HOME", "/home/jane");
    world.write("/etc/kubex/config.yaml", written);
    let registry = kubex::registry().unwrap();
    let checked =
        kubex::config::Configuration::check_file("/etc/kubex/config.yaml", &world.host(), &registry).await;
    checked.unwrap();
}
