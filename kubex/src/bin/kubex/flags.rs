//! The flags that every subcommand takes, under kubectl's names: which source's what, and what is put in its place.

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueHint};
use kubex::options::{Value, ValueKind};
use kubex::{ExposeSecret as _, Options, Origin, SecretString};

/// Which cluster, and as whom.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Which cluster, and as whom")]
pub(crate) struct Flags {
    /// The kubeconfig, and no other source
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    kubeconfig: Option<String>,
    /// The kubeconfig's context, in place of the current one
    #[arg(long, global = true, value_name = "NAME")]
    context: Option<String>,
    /// The kubeconfig's cluster, in place of the context's
    #[arg(long, global = true, value_name = "NAME")]
    cluster: Option<String>,
    /// The kubeconfig's user, in place of the context's
    #[arg(long, global = true, value_name = "NAME")]
    user: Option<String>,
    /// The namespace
    #[arg(short, long, global = true, value_name = "NAME")]
    namespace: Option<String>,
    /// The API server's address
    #[arg(short, long, global = true, value_name = "URL", value_hint = ValueHint::Url)]
    server: Option<String>,
    /// The file of certificate authorities to trust
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    certificate_authority: Option<String>,
    /// Accept any certificate from the server
    #[arg(long, global = true, num_args = 0..=1, require_equals = true, default_missing_value = "true",
        hide_possible_values = true, value_name = "BOOLEAN")]
    insecure_skip_tls_verify: Option<bool>,
    /// The name to check the server's certificate for
    #[arg(long, global = true, value_name = "NAME")]
    tls_server_name: Option<String>,
    /// Ask for answers uncompressed
    #[arg(long, global = true, num_args = 0..=1, require_equals = true, default_missing_value = "true",
        hide_possible_values = true, value_name = "BOOLEAN")]
    disable_compression: Option<bool>,
    /// The bearer token; everybody on this machine can read a command line
    #[arg(long, global = true, value_name = "TOKEN", allow_hyphen_values = true)]
    token: Option<SecretString>,
    /// The file of the client certificate
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    client_certificate: Option<String>,
    /// The file of the client certificate's key
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    client_key: Option<String>,
    /// The user to act as
    #[arg(long = "as", global = true, value_name = "USER")]
    act_as: Option<String>,
    /// The uid to act as
    #[arg(long, global = true, value_name = "UID")]
    as_uid: Option<String>,
    /// A group to act as; may be repeated
    #[arg(long, global = true, value_name = "GROUP", value_parser = NonEmptyStringValueParser::new())]
    as_group: Vec<String>,
    /// An extra field to act with; may be repeated
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = extra)]
    as_user_extra: Vec<(String, String)>,
}

impl Flags {
    /// The kubeconfig that is named.
    pub(crate) fn kubeconfig(&self) -> Option<&str> {
        given(self.kubeconfig.as_ref())
    }

    /// The options of the kubeconfig source that the flags choose; `None` where they choose nothing of it.
    pub(crate) fn kubeconfig_options(&self) -> Option<Options> {
        let mut options = Options::new();
        set(&mut options, "path", "kubeconfig", self.kubeconfig());
        for (key, value) in [
            ("context", &self.context),
            ("cluster", &self.cluster),
            ("user", &self.user),
        ] {
            set(&mut options, key, key, given(value.as_ref()));
        }
        (!options.is_empty()).then_some(options)
    }

    /// What is put in the place of the answer's own fields, whichever source answers.
    pub(crate) fn overrides(&self) -> Options {
        let mut options = Options::new();
        for (key, value) in [
            ("namespace", &self.namespace),
            ("server", &self.server),
            ("certificate-authority", &self.certificate_authority),
            ("tls-server-name", &self.tls_server_name),
            ("client-certificate", &self.client_certificate),
            ("client-key", &self.client_key),
            ("as", &self.act_as),
            ("as-uid", &self.as_uid),
        ] {
            set(&mut options, key, key, given(value.as_ref()));
        }
        let token = self.token.as_ref().map(SecretString::expose_secret);
        set(
            &mut options,
            "token",
            "token",
            token.filter(|token| !token.is_empty()),
        );
        for (key, value) in [
            ("insecure-skip-tls-verify", self.insecure_skip_tls_verify),
            ("disable-compression", self.disable_compression),
        ] {
            set(&mut options, key, key, value);
        }
        if !self.as_group.is_empty() {
            set(&mut options, "as-groups", "as-group", Some(self.as_group.clone()));
        }
        if !self.as_user_extra.is_empty() {
            set(
                &mut options,
                "as-user-extra",
                "as-user-extra",
                Some(self.extras()),
            );
        }
        options
    }

    /// The same on top of overrides that are configured: what a flag is instead of is taken back.
    pub(crate) fn overrides_on_top(&self) -> Options {
        let mut options = self.overrides();
        for group in TOGETHER {
            let given: Vec<Origin> = group
                .iter()
                .filter_map(|key| Some(options.get(key)?.origin().clone()))
                .collect();
            let Some(flag) = given.into_iter().next() else {
                continue;
            };
            for key in *group {
                if options.get(key).is_none() {
                    options.insert(key, Value::new(ValueKind::Null, flag.clone()));
                }
            }
        }
        options
    }

    /// The extra fields, the values of one key together.
    fn extras(&self) -> Vec<(String, Value)> {
        let mut extras: Vec<(String, Vec<String>)> = Vec::new();
        for (key, value) in &self.as_user_extra {
            match extras.iter_mut().find(|(other, _)| other == key) {
                Some((_, values)) => values.push(value.clone()),
                None => extras.push((key.clone(), vec![value.clone()])),
            }
        }
        let origin = Origin::flag("--as-user-extra");
        extras
            .into_iter()
            .map(|(key, values)| (key, Value::new(values, origin.clone())))
            .collect()
    }
}

/// Overrides of which one that is given stands for all, as in [`kubex::overrides`]. The references (`token-env`) are
/// those of a configuration.
const TOGETHER: &[&[&str]] = &[
    &["server", "tls-server-name"],
    &[
        "certificate-authority",
        "certificate-authority-data",
        "insecure-skip-tls-verify",
    ],
    &[
        "token",
        "token-env",
        "token-file",
        "username",
        "password",
        "password-env",
    ],
    &["client-certificate", "client-certificate-data"],
    &["client-key", "client-key-data", "client-key-data-env"],
];

fn set(options: &mut Options, key: &str, flag: &str, value: Option<impl Into<ValueKind>>) {
    if let Some(value) = value {
        options.insert(key, Value::new(value, Origin::flag(&format!("--{flag}"))));
    }
}

/// An empty text is as good as no flag, for kubectl too.
fn given(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|text| !text.is_empty())
}

fn extra(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::arguments::Arguments;

    fn flags(words: &[&str]) -> Flags {
        let words = [&["kubex", "explain"], words].concat();
        Arguments::try_parse_from(words).unwrap().flags
    }

    #[test]
    fn flags_that_choose_go_to_the_kubeconfig_and_the_others_to_whichever_source_answers() {
        let flags = flags(&[
            "--kubeconfig=k",
            "--context=c",
            "--user",
            "u",
            "-n",
            "team-a",
            "-s",
            "https://h",
            "--as=jane",
            "--as-group=a",
            "--as-group=b",
            "--as-user-extra=k=1",
            "--as-user-extra=k=2",
            "--insecure-skip-tls-verify",
        ]);
        let keys = |options: &Options| options.iter().map(|(key, _)| key.to_owned()).collect::<Vec<_>>();
        let chosen = flags.kubeconfig_options().unwrap();
        assert_eq!(keys(&chosen), ["path", "context", "user"]);
        assert_eq!(chosen.origin_of("path").to_string(), "the flag --kubeconfig");
        let overrides = flags.overrides();
        assert_eq!(
            keys(&overrides),
            [
                "namespace",
                "server",
                "as",
                "insecure-skip-tls-verify",
                "as-groups",
                "as-user-extra"
            ]
        );
        let extra = overrides
            .get("as-user-extra")
            .and_then(|extra| extra.get("k"))
            .unwrap();
        assert_eq!(extra.parse::<Vec<String>>().unwrap(), ["1", "2"]);
    }

    #[test]
    fn a_flag_takes_back_what_it_is_instead_of() {
        let overrides = flags(&["--token=t", "--insecure-skip-tls-verify"]).overrides_on_top();
        let is_taken_back = |key: &str| overrides.get(key).is_some_and(Value::is_blank);
        for key in ["token-env", "username", "certificate-authority"] {
            assert!(is_taken_back(key), "{key}");
        }
        for key in ["token", "insecure-skip-tls-verify"] {
            assert!(!is_taken_back(key), "{key}");
        }
        assert!(overrides.get("server").is_none() && overrides.get("client-key").is_none());
    }

    #[test]
    fn an_empty_flag_is_no_flag() {
        let flags = flags(&["--context=", "--server=", "--token="]);
        assert!(flags.kubeconfig_options().is_none() && flags.overrides().is_empty());
    }

    #[test]
    fn the_token_is_not_shown() {
        let shown = format!("{:?}", flags(&["--token", "s3cret"]));
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
