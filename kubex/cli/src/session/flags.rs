//! The flags that every subcommand takes, under kubectl's names: what to select in the kubeconfig, and what to override.

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueHint};
use kubex::kuberc::Kuberc;
use kubex::options::{Value, ValueKind};
use kubex::{ExposeSecret as _, Options, Origin, SecretString};

use crate::failure::{Failure, status};

/// The flags that every subcommand takes.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Cluster and identity")]
pub(crate) struct Flags {
    /// Read this configuration of Kubex instead of the one that KUBEX_CONFIG names
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<String>,
    /// Use this kubeconfig, and no other source
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    kubeconfig: Option<String>,
    /// Read the policy for plugins from this kuberc of kubectl instead of the one that KUBERC names
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    kuberc: Option<String>,
    /// Use this source of the configuration, and no other one
    #[arg(long, global = true, value_name = "NAME", conflicts_with_all = ["kubeconfig", "context", "cluster", "user"])]
    source: Option<String>,
    /// Use this context instead of the current one
    #[arg(long, global = true, value_name = "NAME", allow_hyphen_values = true)]
    context: Option<String>,
    /// Use this cluster instead of the context's
    #[arg(long, global = true, value_name = "NAME", allow_hyphen_values = true)]
    cluster: Option<String>,
    /// Use this user instead of the context's
    #[arg(long, global = true, value_name = "NAME", allow_hyphen_values = true)]
    user: Option<String>,
    /// Use this namespace
    #[arg(short, long, global = true, value_name = "NAME", allow_hyphen_values = true)]
    namespace: Option<String>,
    /// The address of the API server
    #[arg(short, long, global = true, value_name = "URL", value_hint = ValueHint::Url)]
    server: Option<String>,
    /// The file with the CA certificates to trust
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    certificate_authority: Option<String>,
    /// Do not verify the server's certificate (insecure)
    #[arg(long, global = true, num_args = 0..=1, require_equals = true, default_missing_value = "true",
        hide_possible_values = true, value_name = "BOOLEAN")]
    insecure_skip_tls_verify: Option<bool>,
    /// The name to verify in the server's certificate
    #[arg(long, global = true, value_name = "NAME")]
    tls_server_name: Option<String>,
    /// Do not ask the server for compressed responses
    #[arg(long, global = true, num_args = 0..=1, require_equals = true, default_missing_value = "true",
        hide_possible_values = true, value_name = "BOOLEAN")]
    disable_compression: Option<bool>,
    /// The bearer token; command lines are visible to every user of the machine
    #[arg(long, global = true, value_name = "TOKEN", allow_hyphen_values = true)]
    token: Option<SecretString>,
    /// The file with the client certificate
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    client_certificate: Option<String>,
    /// The file with the private key of the client certificate
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    client_key: Option<String>,
    /// The user to impersonate
    #[arg(long = "as", global = true, value_name = "USER", allow_hyphen_values = true)]
    act_as: Option<String>,
    /// The UID to impersonate
    #[arg(long, global = true, value_name = "UID", allow_hyphen_values = true)]
    as_uid: Option<String>,
    /// A group to impersonate; can be repeated
    #[arg(long, global = true, value_name = "GROUP", value_parser = NonEmptyStringValueParser::new())]
    as_group: Vec<String>,
    /// An extra field of the impersonated user; can be repeated
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = extra)]
    as_user_extra: Vec<(String, String)>,
}

impl Flags {
    /// The configuration of Kubex that the flags name.
    pub(crate) fn config(&self) -> Option<&str> {
        given(self.config.as_ref())
    }

    /// The kubeconfig that the flags name.
    pub(crate) fn kubeconfig(&self) -> Option<&str> {
        given(self.kubeconfig.as_ref())
    }

    /// The kuberc that the flags name, or kubectl's own one.
    pub(crate) fn kuberc(&self) -> Kuberc {
        match given(self.kuberc.as_ref()) {
            Some(file) => Kuberc::from_file(file, Origin::flag("--kuberc")),
            None => Kuberc::new(),
        }
    }

    /// The source that the flags name.
    pub(crate) fn source(&self) -> Option<&str> {
        given(self.source.as_ref())
    }

    /// The context that the flags name.
    pub(crate) fn context(&self) -> Option<&str> {
        given(self.context.as_ref())
    }

    /// The key and the value of a flag that selects something in the kubeconfig.
    pub(crate) fn selected(&self, flag: &str) -> Option<(&'static str, &str)> {
        let selected = match flag {
            "--context" => ("context", &self.context),
            "--cluster" => ("cluster", &self.cluster),
            "--user" => ("user", &self.user),
            _ => return None,
        };
        Some((selected.0, given(selected.1.as_ref())?))
    }

    /// Refuses flags that select a source or a part of the kubeconfig, or override one, for a subcommand that does not use
    /// them. Otherwise, the subcommand would change more than the user has named. `used` contains the keys of the flags that it
    /// uses.
    ///
    /// # Errors
    /// Returns an error with the message `why` and the flags to remove. An empty flag is refused too, because a variable that
    /// is not set would otherwise select everything.
    pub(crate) fn refuse_selection(&self, used: &[&str], why: &str) -> Result<(), Failure> {
        let flags = [
            ("kubeconfig", &self.kubeconfig),
            ("source", &self.source),
            ("context", &self.context),
            ("cluster", &self.cluster),
            ("user", &self.user),
        ];
        if let Some((flag, _)) = flags.iter().find(|(_, value)| value.as_deref() == Some("")) {
            let failure = Failure::new(status::USAGE, format!("the flag --{flag} is empty"));
            return Err(failure.with_help("write a name, or leave out the flag"));
        }
        let source = self.source().map(|_| Origin::flag("--source").to_string());
        let selected = self.kubeconfig_options().unwrap_or_default();
        let overrides = self.overrides();
        let keys = selected.iter().chain(overrides.iter());
        let unused = keys.filter(|(key, _)| !used.contains(key));
        let unused = unused.map(|(_, value)| value.origin().to_string());
        let unused: Vec<String> = source.into_iter().chain(unused).collect();
        if unused.is_empty() {
            return Ok(());
        }
        let help = format!("leave out {}", unused.join(", "));
        Err(Failure::new(status::USAGE, why).with_help(help))
    }

    /// The options for the kubeconfig source; `None` if the flags select nothing in the kubeconfig.
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

    /// The overrides, which apply to the source that is chosen, whichever it is.
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

    /// The extra fields, with all values of one key together.
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

fn set(options: &mut Options, key: &str, flag: &str, value: Option<impl Into<ValueKind>>) {
    if let Some(value) = value {
        options.insert(key, Value::new(value, Origin::flag(&format!("--{flag}"))));
    }
}

/// An empty flag counts as not given, as for kubectl.
fn given(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|text| !text.is_empty())
}

fn extra(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}
