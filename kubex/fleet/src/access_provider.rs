//! The file of access providers: which plugin fetches the credential for a `ClusterProfile` (KEP-5339).
//!
//! ```json
//! {"providers": [{
//!   "name": "google",
//!   "execConfig": {"apiVersion": "client.authentication.k8s.io/v1", "command": "gke-gcloud-auth-plugin", "provideClusterInfo": true},
//!   "profileSourcedCLIArgsPolicy": "Ignore",
//!   "profileSourcedEnvVarsPolicy": "AppendIfNotExists"
//! }]}
//! ```
//!
//! The owner of the program writes the file. The two policies decide whether a profile may add arguments and variables. By
//! default, it may add none.

use kubex_core::options::{Value, ValueKind};
use kubex_core::text::shown_key;
use kubex_core::{Error, ErrorKind, Options, Origin, Result, SecretBytes};
use kubex_document::{Budget, Conversion, Document, Format};

use crate::fields::Fields;
use crate::plugin;

/// The access providers in the file, in its order.
#[derive(Debug, Default)]
pub(crate) struct AccessProviders(pub(crate) Vec<AccessProvider>);

/// One access provider.
#[derive(Debug)]
pub(crate) struct AccessProvider {
    pub(crate) name: String,
    /// The options of the plugin, without its arguments and variables.
    pub(crate) options: Options,
    pub(crate) arguments: Vec<Value>,
    pub(crate) variables: Vec<(String, Value)>,
    pub(crate) takes_arguments: bool,
    pub(crate) variables_policy: VariablesPolicy,
    pub(crate) origin: Origin,
}

/// What happens to the variables of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VariablesPolicy {
    /// Adds the variables whose names the plugin's own options do not set.
    AppendIfNotExists,
    /// Adds all variables. They replace the plugin's own of the same name.
    Replace,
    /// Adds no variable.
    Ignore,
}

impl AccessProviders {
    /// Reads the file.
    pub(crate) fn read(bytes: SecretBytes, origin: &Origin) -> Result<Self> {
        let document = Document::read(bytes, Format::Yaml, &Budget::CONFIGURATION);
        let document = document.map_err(|error| error.into_error("the file of access providers", origin))?;
        let root = document.root();
        let value = root.to_value(root.locate(origin.clone()), Conversion::KUBECONFIG);
        let mut providers: Vec<AccessProvider> = Vec::new();
        for item in Fields::new(&value)?.list("providers")? {
            let provider = AccessProvider::new(Fields::new(item)?)?;
            if providers.iter().any(|other| other.name == provider.name) {
                return Err(Error::new(
                    ErrorKind::DuplicateName,
                    format_args!(
                        "two access providers have the name \"{}\"",
                        shown_key(&provider.name)
                    ),
                )
                .with_origin(&provider.origin)
                .with_help("rename one of them"));
            }
            providers.push(provider);
        }
        Ok(Self(providers))
    }
}

impl AccessProvider {
    fn new(fields: Fields<'_>) -> Result<Self> {
        let name = fields.required("name")?.as_str().unwrap_or_default().to_owned();
        let exec = fields
            .fields("execConfig")?
            .ok_or_else(|| fields.missing("execConfig"))?;
        // What the owner writes may set any variable; what a profile adds is checked when it is added.
        let mut options = plugin::options(exec.origin());
        options.insert("command", exec.required("command")?.clone());
        let texts = [("apiVersion", "api-version"), ("installHint", "install-hint")];
        exec.copy_texts(&mut options, &texts)?;
        exec.copy_flags(&mut options, &[("provideClusterInfo", "provide-cluster-info")])?;
        let mut variables = Vec::new();
        for item in exec.list("env")? {
            let variable = Fields::new(item)?;
            let name = variable.required("name")?.as_str().unwrap_or_default().to_owned();
            let value = variable.text("value")?.cloned();
            variables.push((
                name,
                value.unwrap_or_else(|| Value::new("", variable.origin().clone())),
            ));
        }
        Ok(Self {
            name,
            options,
            arguments: exec.texts("args")?.into_iter().cloned().collect(),
            variables,
            takes_arguments: match fields.str("profileSourcedCLIArgsPolicy")? {
                Some("Append") => true,
                None | Some("Ignore") => false,
                Some(_) => {
                    return Err(unknown_policy(
                        fields,
                        "profileSourcedCLIArgsPolicy",
                        "Append or Ignore",
                    ));
                }
            },
            variables_policy: match fields.str("profileSourcedEnvVarsPolicy")? {
                Some("AppendIfNotExists") => VariablesPolicy::AppendIfNotExists,
                Some("Replace") => VariablesPolicy::Replace,
                None | Some("Ignore") => VariablesPolicy::Ignore,
                Some(_) => {
                    let wanted = "AppendIfNotExists, Replace or Ignore";
                    return Err(unknown_policy(fields, "profileSourcedEnvVarsPolicy", wanted));
                }
            },
            origin: fields.origin().clone(),
        })
    }

    /// The options of the plugin with what a profile adds.
    pub(crate) fn options_with(&self, arguments: &[Value], variables: &[(String, Value)]) -> Options {
        let mut all_arguments = self.arguments.clone();
        if self.takes_arguments {
            all_arguments.extend_from_slice(arguments);
        }
        let mut all_variables = self.variables.clone();
        for (name, value) in variables {
            let own = all_variables.iter_mut().find(|(own, _)| own == name);
            match (self.variables_policy, own) {
                (VariablesPolicy::Ignore, _) | (VariablesPolicy::AppendIfNotExists, Some(_)) => {}
                (VariablesPolicy::Replace, Some((_, own))) => *own = value.clone(),
                (_, None) => all_variables.push((name.clone(), value.clone())),
            }
        }
        let mut options = self.options.clone();
        let origin = options.origin().clone();
        let variables = all_variables
            .iter()
            .map(|(name, value)| plugin::variable(name, value));
        let variables = ValueKind::Sequence(variables.collect());
        options.insert(
            "args",
            Value::new(ValueKind::Sequence(all_arguments), origin.clone()),
        );
        options.insert("env", Value::new(variables, origin));
        options
    }
}

fn unknown_policy(fields: Fields<'_>, key: &str, wanted: &str) -> Error {
    Error::new(
        ErrorKind::InvalidValue,
        format_args!("\"{key}\" has an unknown value"),
    )
    .with_origin(&fields.origin_of(key))
    .with_help(format_args!("set it to {wanted}"))
}
