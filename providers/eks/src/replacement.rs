//! Decides which calls of the AWS CLI this provider replaces: those of `aws eks get-token` of which it supports every argument
//! and variable.
//!
//! The rules are narrower than the CLI's. The CLI runs if an argument is abbreviated, occurs twice, or refers to a file.

use std::ffi::OsStr;
use std::sync::Arc;

use kubex_core::registry::{PluginCall, check_plugin_environment};
use kubex_core::text::shown_key;
use kubex_core::{CredentialSource, Error, ErrorKind, Host, Proxy, Result};

use crate::options::EksOptions;
use crate::settings::Settings;
use crate::source::{EksSource, check_cluster};

/// The variables that a call may set, besides those of proxies.
const SETTABLE: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_CONFIG_FILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_STS_REGIONAL_ENDPOINTS",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
];

/// The other variables of AWS that are supported, or do not change a token.
const INHERITABLE: &[&str] = &[
    "AWS_CA_BUNDLE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_DEFAULT_OUTPUT",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_ENDPOINT_URL_STS",
    "AWS_EXECUTION_ENV",
    "AWS_MAX_ATTEMPTS",
    "AWS_PAGER",
    "AWS_RETRY_MODE",
    "AWS_SDK_LOAD_CONFIG",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
];

/// Variables without the prefix `AWS_` that change what the CLI does.
const OTHERS: &[&str] = &["BOTO_CONFIG"];

/// Other variables that this provider reads.
const READ: &[&str] = &["HOME", "REQUESTS_CA_BUNDLE", "USERPROFILE"];

fn is_settable(name: &str) -> bool {
    SETTABLE.contains(&name) || Proxy::VARIABLES.contains(&name)
}

/// Creates the source that replaces a call, or returns the part that is not supported.
pub(crate) fn replace(call: &PluginCall) -> Result<Arc<dyn CredentialSource>, String> {
    let options = read(call.arguments())?;
    call.check_variables(is_settable)?;
    Ok(Arc::new(EksSource::in_place_of(options, call.origin())))
}

/// Reads the arguments of `aws`.
fn read(arguments: &[String]) -> Result<EksOptions, String> {
    let mut options = EksOptions::default();
    let mut words = Vec::new();
    let mut seen = Vec::new();
    let mut rest = (1..).zip(arguments);
    while let Some((number, argument)) = rest.next() {
        let Some(flag) = argument.strip_prefix("--") else {
            words.push(argument.as_str());
            if words.len() > 2 || words != ["eks", "get-token"].get(..words.len()).unwrap_or_default() {
                return Err(format!("argument {number}"));
            }
            continue;
        };
        let (flag, attached) = match flag.split_once('=') {
            Some((flag, value)) => (flag, Some(value)),
            None => (flag, None),
        };
        let unknown = || format!("the argument \"--{}\"", shown_key(flag));
        if seen.contains(&flag) {
            return Err(format!("{}, which is given twice,", unknown()));
        }
        seen.push(flag);
        if flag == "no-cli-pager" && attached.is_none() {
            continue;
        }
        // Flags of the subcommand follow it. Flags of the CLI itself may be anywhere.
        let is_of_the_subcommand = matches!(flag, "cluster-name" | "cluster-id" | "role-arn");
        let is_of_the_cli = matches!(flag, "region" | "profile" | "output");
        if !(is_of_the_cli || is_of_the_subcommand && words.len() == 2) {
            return Err(unknown());
        }
        let value = match attached {
            Some(value) => value,
            None => rest.next().map(|(_, value)| value.as_str()).unwrap_or_default(),
        };
        // The CLI reads a value with a scheme from a file or a server.
        if value.is_empty() || value.starts_with('-') || value.contains("://") {
            return Err(format!("the value of \"--{flag}\""));
        }
        match flag {
            "region" => options.region = Some(value.to_owned()),
            "profile" => options.profile = Some(value.to_owned()),
            "role-arn" => options.role = Some(value.to_owned()),
            "output" if value != "json" => return Err("the value of \"--output\"".to_owned()),
            "output" => {}
            _ if !options.cluster.is_empty() => return Err(unknown()),
            _ if check_cluster(value).is_err() => return Err(format!("the value of \"--{flag}\"")),
            _ => value.clone_into(&mut options.cluster),
        }
    }
    if words.len() != 2 {
        return Err("a command other than \"eks get-token\"".to_owned());
    }
    if options.cluster.is_empty() {
        return Err("a call without \"--cluster-name\"".to_owned());
    }
    Ok(options)
}

/// Checks what the CLI would find on this host besides its arguments.
///
/// # Errors
/// `Unsupported` for a setting that this provider does not support.
pub(crate) async fn check_host(settings: &Settings, host: &Host) -> Result<()> {
    let unsupported = |what: String| Error::new(ErrorKind::Unsupported, what);
    let is_of_aws = |name: &str| name.starts_with("AWS_");
    let is_understood = |name: &str, value: &OsStr| {
        let is_known = is_settable(name) || INHERITABLE.contains(&name);
        let is_other = is_of_aws(name) && !is_known || OTHERS.contains(&name);
        !is_other || value.is_empty()
    };
    let is_read = |name: &str| is_of_aws(name) || is_settable(name) || READ.contains(&name);
    check_plugin_environment(host, is_understood, is_read)?;
    let environment = host.environment();
    let regions = (
        environment.text("AWS_REGION"),
        environment.text("AWS_DEFAULT_REGION"),
    );
    if let (Some(one), Some(other)) = &regions
        && one != other
    {
        return Err(unsupported(
            "AWS_REGION and AWS_DEFAULT_REGION differ, and not every version of the AWS CLI uses the same one"
                .to_owned(),
        ));
    }
    if settings.web_identity.is_some() && settings.keys.is_none() && settings.profiles.has_credentials() {
        return Err(unsupported(
            "the profile and the variables each contain an identity, and the AWS CLI may choose the other one"
                .to_owned(),
        ));
    }
    if settings.profiles.has_plugins() {
        return Err(unsupported(
            "the configuration of the AWS CLI loads plugins".to_owned(),
        ));
    }
    let aliases = environment
        .home_directory()
        .map(|home| home.join(".aws/cli/alias"));
    if let Some(aliases) = aliases
        && host.files().kind(&aliases).await.is_ok()
    {
        return Err(unsupported("the AWS CLI has aliases".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ')
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn the_calls_that_people_have_are_understood() {
        for line in [
            "eks get-token --cluster-name prod",
            "--region eu-west-1 eks get-token --cluster-name prod",
            "--region eu-west-1 eks get-token --cluster-name prod --output json",
            "eks get-token --cluster-name=prod --region=eu-west-1",
            "--profile work eks get-token --cluster-name prod --role-arn arn:aws:iam::123456789012:role/r",
            "eks get-token --region eu-west-1 --cluster-id 0123-4567",
            "eks --region eu-west-1 get-token --cluster-name prod",
            "--no-cli-pager eks get-token --cluster-name prod",
        ] {
            let read = read(&words(line));
            assert!(read.is_ok(), "{line}: {read:?}");
        }
        let line = "--region r eks get-token --cluster-name c --role-arn a --profile p --output json";
        let expected = EksOptions {
            cluster: "c".to_owned(),
            region: Some("r".to_owned()),
            profile: Some("p".to_owned()),
            role: Some("a".to_owned()),
            ..EksOptions::default()
        };
        assert_eq!(read(&words(line)).unwrap(), expected);
    }

    #[test]
    fn everything_else_is_not_understood_and_no_value_is_quoted() {
        for (line, what) in [
            ("", "a command other than \"eks get-token\""),
            ("eks", "a command other than \"eks get-token\""),
            ("eks get-token", "a call without \"--cluster-name\""),
            ("sts get-caller-identity", "argument 1"),
            ("eks list-clusters", "argument 2"),
            ("eks get-token s3cret --cluster-name c", "argument 3"),
            ("get-token eks --cluster-name c", "argument 1"),
            (
                "--cluster-name c eks get-token",
                "the argument \"--cluster-name\"",
            ),
            (
                "eks --role-arn r get-token --cluster-name c",
                "the argument \"--role-arn\"",
            ),
            ("eks get-token --cluster c", "the argument \"--cluster\""),
            ("eks get-token --cluster-nam c", "the argument \"--cluster-nam\""),
            (
                "eks get-token --cluster-name c --cluster-id d",
                "the argument \"--cluster-id\"",
            ),
            (
                "eks get-token --cluster-name c --cluster-name d",
                "the argument \"--cluster-name\", which is given twice,",
            ),
            ("eks get-token --cluster-name", "the value of \"--cluster-name\""),
            ("eks get-token --cluster-name=", "the value of \"--cluster-name\""),
            (
                "eks get-token --cluster-name --region r",
                "the value of \"--cluster-name\"",
            ),
            (
                "eks get-token --cluster-name file://s3cret",
                "the value of \"--cluster-name\"",
            ),
            (
                "eks get-token --cluster-name c\u{fc}",
                "the value of \"--cluster-name\"",
            ),
            (
                "eks get-token --cluster-name c --output text",
                "the value of \"--output\"",
            ),
            (
                "eks get-token --cluster-name c --query status",
                "the argument \"--query\"",
            ),
            (
                "eks get-token --cluster-name c --debug",
                "the argument \"--debug\"",
            ),
            (
                "eks get-token --cluster-name c --no-verify-ssl",
                "the argument \"--no-verify-ssl\"",
            ),
            (
                "eks get-token --cluster-name c --no-sign-request",
                "the argument \"--no-sign-request\"",
            ),
            (
                "eks get-token --cluster-name c --endpoint-url x",
                "the argument \"--endpoint-url\"",
            ),
            ("eks get-token --cluster-name c -h", "argument 5"),
            ("eks get-token --cluster-name c help", "argument 5"),
            (
                "eks get-token --no-cli-pager=x --cluster-name c",
                "the argument \"--no-cli-pager\"",
            ),
            ("-- eks get-token --cluster-name c", "the argument \"--\""),
        ] {
            let refused = read(&words(line)).unwrap_err();
            assert_eq!(refused, what, "{line}");
        }
    }
}
