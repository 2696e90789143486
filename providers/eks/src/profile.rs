//! The profiles of `~/.aws/config` and `~/.aws/credentials`, read through the host and parsed by the AWS SDK.

use std::fmt;
use std::path::{Path, PathBuf};

use aws_config::profile::ProfileSet;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_types::os_shim_internal::{Env, Fs};
use kubex_core::text::{clean_line, nearest};
use kubex_core::{Error, ErrorKind, ExposeSecret, Host, Origin, Result, SecretString};

/// The largest file that is read, in bytes.
pub(crate) const LARGEST_FILE: usize = 1024 * 1024;

/// The most profiles that are followed from one to the next.
const MOST_PROFILES: usize = 16;

/// The keys of a profile that lead to credentials.
const CREDENTIAL_KEYS: &[&str] = &[
    "aws_access_key_id",
    "aws_secret_access_key",
    "credential_source",
    "role_arn",
    "source_profile",
    "sso_account_id",
    "sso_role_name",
    "sso_session",
    "sso_start_url",
    "web_identity_token_file",
];

/// The keys of a profile that change the token or where the credentials come from and that are not supported, with the
/// reason.
const UNSUPPORTED_KEYS: &[(&str, &str)] = &[
    (
        "credential_process",
        "names a program, which this provider does not start",
    ),
    ("login_session", "needs a login that only the AWS CLI can make"),
    ("mfa_serial", "needs a code that this provider cannot ask for"),
    ("endpoint_url", "names another address of AWS"),
    ("services", "names other addresses of AWS"),
    ("ca_bundle", "names other certificate authorities"),
];

/// The profiles, and the name of the selected one.
#[derive(Clone)]
pub(crate) struct Profiles {
    name: String,
    files: EnvConfigFiles,
    sections: ProfileSet,
    /// The contents of the files, which choose the identity.
    contents: Vec<SecretString>,
    /// While they exist, they are hidden in every text that is shown.
    _hidden: Vec<SecretString>,
}

/// The keys of a profile are secrets.
impl fmt::Debug for Profiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profiles")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Profiles {
    /// Reads both files. A file that does not exist is empty, as for the CLI.
    ///
    /// # Errors
    /// `UnreadableFile`; `MalformedDocument` for files that are not configuration files of AWS.
    pub(crate) async fn read(name: &str, host: &Host) -> Result<Self> {
        let mut files = EnvConfigFiles::builder();
        let mut contents = Vec::new();
        for (kind, variable, file) in [
            (EnvConfigFileKind::Config, "AWS_CONFIG_FILE", "config"),
            (
                EnvConfigFileKind::Credentials,
                "AWS_SHARED_CREDENTIALS_FILE",
                "credentials",
            ),
        ] {
            let content = match path(variable, file, host)? {
                Some(path) => read(&path, host).await?,
                None => SecretString::unlisted(""),
            };
            files = files.with_contents(kind, content.expose_secret());
            contents.push(content);
        }
        let files = files.build();
        // Both files are here already, so the SDK reads neither a file nor a variable.
        let (no_file, no_variable) = (Fs::from_slice(&[]), Env::from_slice(&[]));
        let sections =
            aws_config::profile::load(&no_file, &no_variable, &files, Some(name.to_owned().into()));
        let sections = sections.await.map_err(|error| {
            Error::new(
                ErrorKind::MalformedDocument,
                format_args!(
                    "the configuration files of AWS are not valid: {}",
                    kubex_core::text::messages(&error)
                ),
            )
            .with_help("check ~/.aws/config and ~/.aws/credentials")
        })?;
        Ok(Self {
            name: name.to_owned(),
            files,
            _hidden: secrets(&sections),
            sections,
            contents,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn files(&self) -> EnvConfigFiles {
        self.files.clone()
    }

    pub(crate) fn contents(&self) -> &[SecretString] {
        &self.contents
    }

    /// The value of a key of the selected profile.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.sections.get(key).filter(|value| !value.is_empty())
    }

    /// Whether the selected profile contains credentials, or refers to some.
    pub(crate) fn has_credentials(&self) -> bool {
        CREDENTIAL_KEYS.iter().any(|key| self.get(key).is_some())
    }

    /// Whether the selected profile, or one that it refers to, has this key.
    pub(crate) fn refers_to(&self, key: &str) -> bool {
        !self.all(key).is_empty()
    }

    /// The values of this key in the selected profile, and in those that it refers to.
    pub(crate) fn all(&self, key: &str) -> Vec<&str> {
        let mut found = Vec::new();
        let mut name = self.name.as_str();
        for _ in 0..MOST_PROFILES {
            let Some(profile) = self.sections.get_profile(name) else {
                break;
            };
            found.extend(profile.get(key));
            match profile.get("source_profile") {
                Some(next) if next != name => name = next,
                _ => break,
            }
        }
        found
    }

    /// Whether the configuration loads plugins into the AWS CLI.
    pub(crate) fn has_plugins(&self) -> bool {
        let mut lines = self
            .contents
            .iter()
            .flat_map(|content| content.expose_secret().lines());
        lines.any(|line| line.trim().starts_with("[plugins"))
    }

    /// Checks that the selected profile exists, if it was named, and that it and the profiles it refers to need nothing
    /// that is not supported.
    ///
    /// # Errors
    /// `InvalidValue` for a profile that does not exist, and `Unsupported`.
    pub(crate) fn check(&self, named_at: Option<&Origin>) -> Result<()> {
        if let Some(origin) = named_at
            && self.sections.get_profile(&self.name).is_none()
        {
            return Err(self.missing(&self.name).with_origin(origin));
        }
        let mut name = self.name.as_str();
        for step in 0..MOST_PROFILES {
            let Some(profile) = self.sections.get_profile(name) else {
                return if step == 0 {
                    Ok(())
                } else {
                    Err(self.missing(name))
                };
            };
            let set = UNSUPPORTED_KEYS
                .iter()
                .find(|(key, _)| profile.get(key).is_some());
            if let Some((key, why)) = set {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format_args!(
                        "the AWS profile \"{}\" sets \"{key}\", which {why}",
                        clean_line(name)
                    ),
                )
                .with_help("use another profile, or `aws eks get-token` with the provider exec"));
            }
            match profile.get("source_profile") {
                Some(next) if next != name && profile.get("role_arn").is_some() => name = next,
                _ => return Ok(()),
            }
        }
        Err(Error::new(
            ErrorKind::InvalidValue,
            format_args!(
                "the AWS profile \"{}\" refers to more than {MOST_PROFILES} others, or to itself",
                clean_line(&self.name)
            ),
        )
        .with_help("check \"source_profile\" in ~/.aws/config"))
    }

    fn missing(&self, name: &str) -> Error {
        let known: Vec<&str> = self.sections.profiles().collect();
        let error = Error::new(
            ErrorKind::InvalidValue,
            format_args!("the AWS profile \"{}\" does not exist", clean_line(name)),
        );
        match nearest(name, &known) {
            Some(near) => error.with_help(format_args!("did you mean \"{}\"?", clean_line(near))),
            None => error.with_help("add it to ~/.aws/config, or name another one"),
        }
    }
}

fn secrets(sections: &ProfileSet) -> Vec<SecretString> {
    let profiles = sections.profiles().filter_map(|name| sections.get_profile(name));
    profiles
        .flat_map(|profile| {
            [
                profile.get("aws_secret_access_key"),
                profile.get("aws_session_token"),
            ]
        })
        .flatten()
        .map(SecretString::from)
        .collect()
}

/// The path of a configuration file: the variable's, or the one in the home directory.
fn path(variable: &str, file: &str, host: &Host) -> Result<Option<PathBuf>> {
    let home = host.environment().home_directory();
    let in_home = |rest: &Path| home.as_ref().map(|home| home.join(rest));
    Ok(match host.environment().unicode(variable)? {
        Some(written) => match written.strip_prefix("~/") {
            Some(rest) => in_home(Path::new(rest)),
            None => Some(written.into()),
        },
        None => in_home(&Path::new(".aws").join(file)),
    })
}

async fn read(path: &Path, host: &Host) -> Result<SecretString> {
    let content = match host.files().read(path, LARGEST_FILE).await {
        Ok(content) => content,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(SecretString::unlisted("")),
        Err(error) => return Err(Error::unreadable("the configuration file of AWS", path, error)),
    };
    let text = std::str::from_utf8(content.expose_secret()).map_err(|_| {
        Error::new(
            ErrorKind::MalformedDocument,
            "the configuration file of AWS is not text",
        )
        .with_origin(&Origin::file(path))
        .with_help("write it in UTF-8")
    })?;
    Ok(SecretString::unlisted(text))
}
