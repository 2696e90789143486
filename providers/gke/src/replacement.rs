//! Decides which calls of gke-gcloud-auth-plugin this provider replaces: those with the single argument
//! `--use_application_default_credentials`.
//!
//! Without this argument, the plugin asks gcloud, whose login is another identity than the application default credentials.
//! It then runs, so that the identity never changes.

use std::ffi::OsStr;
use std::sync::Arc;

use kubex_core::registry::{PluginCall, check_plugin_environment};
use kubex_core::text::shown_key;
use kubex_core::{CredentialSource, Host, Proxy, Result};

use crate::source::GkeSource;

/// The argument with which the plugin does not ask gcloud.
const ARGUMENT: &str = "use_application_default_credentials";

/// The variable that a call may set, besides those of proxies.
const SETTABLE: &str = "GOOGLE_APPLICATION_CREDENTIALS";

/// The other variables of Google that are supported, or do not change a token.
const INHERITABLE: &[&str] = &[
    "GCE_METADATA_HOST",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_CLOUD_PROJECT",
    "GOOGLE_CLOUD_QUOTA_PROJECT",
    "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES",
    "GOOGLE_GHA_CREDS_PATH",
];

/// A variable of gcloud that the plugin reads. It reads no other one.
const OF_GCLOUD: &str = "CLOUDSDK_AUTH_ACCESS_TOKEN";

/// Other variables that this provider or Google's SDK reads.
const READ: &[&str] = &[
    "APPDATA",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "GCE_METADATA_HOST",
    "HOME",
    "USERPROFILE",
];

fn is_settable(name: &str) -> bool {
    name == SETTABLE || Proxy::VARIABLES.contains(&name)
}

/// Creates the source that replaces a call, or returns the part that is not supported.
pub(crate) fn replace(call: &PluginCall) -> Result<Arc<dyn CredentialSource>, String> {
    read(call.arguments())?;
    call.check_variables(is_settable)?;
    Ok(Arc::new(GkeSource::in_place_of(call.origin())))
}

/// Reads the arguments of the plugin.
fn read(arguments: &[String]) -> Result<(), String> {
    let mut is_default = false;
    for (number, argument) in (1..).zip(arguments) {
        let Some(flag) = argument.strip_prefix("--") else {
            return Err(format!("argument {number}"));
        };
        let (flag, value) = match flag.split_once('=') {
            Some((flag, value)) => (flag, Some(value)),
            None => (flag, None),
        };
        let unknown = || format!("the argument \"--{}\"", shown_key(flag));
        if flag != ARGUMENT {
            return Err(unknown());
        }
        if is_default {
            return Err(format!("{}, which is given twice,", unknown()));
        }
        if value.is_some_and(|value| value != "true") {
            return Err(format!("the value of \"--{flag}\""));
        }
        is_default = true;
    }
    if is_default {
        Ok(())
    } else {
        Err(format!(
            "a call without \"--{ARGUMENT}\", which uses the login of gcloud,"
        ))
    }
}

/// Checks what the plugin would find on this host besides its arguments.
///
/// # Errors
/// `Unsupported` for a setting that this provider does not support.
pub(crate) fn check_host(host: &Host) -> Result<()> {
    let is_understood = |name: &str, value: &OsStr| {
        let is_of_google = name.starts_with("GOOGLE_") || name.starts_with("GCE_");
        let is_other = is_of_google && !INHERITABLE.contains(&name) || name == OF_GCLOUD;
        !is_other || value.is_empty()
    };
    check_plugin_environment(host, is_understood, |name| {
        is_settable(name) || READ.contains(&name)
    })
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
    fn the_application_default_credentials_are_understood() {
        for line in [
            "--use_application_default_credentials",
            "--use_application_default_credentials=true",
        ] {
            assert_eq!(read(&words(line)), Ok(()), "{line}");
        }
    }

    /// Every list of up to three of these words, so that no combination is replaced by mistake.
    #[test]
    fn no_other_list_of_arguments_is_understood() {
        let words = [
            "--use_application_default_credentials",
            "--use_application_default_credentials=true",
            "--use_application_default_credentials=false",
            "--use_application_default_credentials=",
            "-use_application_default_credentials",
            "--use_edge_cloud",
            "--impersonate_service_account=a@b",
            "--impersonate_service_account",
            "--account",
            "--project=p",
            "--v=4",
            "-v",
            "4",
            "true",
            "--",
            "-",
            "",
            "extra",
        ]
        .map(str::to_owned);
        let mut understood = Vec::new();
        let mut lists = vec![Vec::new()];
        for _ in 0..=3 {
            understood.extend(lists.iter().filter(|list| read(list).is_ok()).cloned());
            lists = lists
                .iter()
                .flat_map(|list: &Vec<String>| {
                    words
                        .iter()
                        .map(|word| [&list[..], std::slice::from_ref(word)].concat())
                })
                .collect();
        }
        assert_eq!(understood, [[words[0].clone()], [words[1].clone()]]);
    }

    #[test]
    fn everything_else_is_not_understood_and_no_value_is_quoted() {
        let of_gcloud =
            "a call without \"--use_application_default_credentials\", which uses the login of gcloud,";
        let value = "the value of \"--use_application_default_credentials\"";
        for (line, what) in [
            ("", of_gcloud),
            ("--use_application_default_credentials=false", value),
            ("--use_application_default_credentials=", value),
            ("--use_application_default_credentials=1", value),
            ("--use_application_default_credentials=s3cret", value),
            ("--use_application_default_credentials true", "argument 2"),
            ("--use_application_default_credentials s3cret", "argument 2"),
            (
                "--use_application_default_credentials --use_application_default_credentials",
                "the argument \"--use_application_default_credentials\", which is given twice,",
            ),
            ("-use_application_default_credentials", "argument 1"),
            (
                "--use-application-default-credentials",
                "the argument \"--use-application-default-credentials\"",
            ),
            (
                "--use_application_default_credentials --impersonate_service_account=s3cret",
                "the argument \"--impersonate_service_account\"",
            ),
            (
                "--use_application_default_credentials --account s3cret",
                "the argument \"--account\"",
            ),
            (
                "--use_edge_cloud --location l --cluster c",
                "the argument \"--use_edge_cloud\"",
            ),
            ("--use_application_default_credentials -v 9", "argument 2"),
            (
                "--use_application_default_credentials --v=9",
                "the argument \"--v\"",
            ),
            ("--use_application_default_credentials --", "the argument \"--\""),
            ("--version", "the argument \"--version\""),
        ] {
            assert_eq!(read(&words(line)).unwrap_err(), what, "{line}");
        }
    }
}
