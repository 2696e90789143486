//! Reads the plugin's output: an `ExecCredential` as JSON or YAML.
//!
//! The rules are client-go's (plugin/pkg/client/auth/exec/exec.go): unknown fields are ignored, names are case-sensitive,
//! and an empty text means the same as a missing field. The output may be a credential even if it is malformed, so no
//! error quotes it, and no parser's message becomes part of an error.

use std::time::SystemTime;

use kubex_core::options::Value;
use kubex_core::text::{clean_line, is_nested_deeper_than};
use kubex_core::time::parse_rfc3339;
use kubex_core::{ClientCertificate, Credential, Error, ErrorKind, ExposeSecret, Result, SecretBytes};

use crate::protocol::{ApiVersion, GROUP, KIND};

/// The maximum nesting of brackets; both parsers support it.
const MAX_DEPTH: usize = 128;

/// Whether the output is blank.
pub(crate) fn is_empty(output: &SecretBytes) -> bool {
    output.expose_secret().trim_ascii().is_empty()
}

/// Reads the output of a plugin, which must have this version. `plugin` is the plugin's name in errors.
pub(crate) fn read(output: &SecretBytes, version: AcceptedVersion, plugin: &str) -> Result<Credential> {
    Reader { plugin, version }.credential(output.expose_secret())
}

/// The version that the output of a plugin must have.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AcceptedVersion {
    /// The version in the request, as in client-go.
    Asked(ApiVersion),
    /// Any version, because all have the same fields and some plugins support only one.
    Any(ApiVersion),
}

struct Reader<'a> {
    plugin: &'a str,
    version: AcceptedVersion,
}

impl Reader<'_> {
    fn credential(&self, output: &[u8]) -> Result<Credential> {
        let answer = parse(output)
            .filter(|answer| answer.type_name() == "a mapping")
            .ok_or_else(|| {
                self.malformed("printed output that is not an ExecCredential in JSON or YAML")
                    .with_help("run the plugin in a terminal and check that it prints only an ExecCredential")
            })?;
        self.check_version(&answer)?;
        let status = answer
            .get("status")
            .filter(|status| !status.is_blank())
            .ok_or_else(|| self.of_kind(ErrorKind::MissingStatus, "returned no status"))?;
        if status.type_name() != "a mapping" {
            return Err(self.malformed("returned a status that is not a mapping"));
        }
        let expires_at = self.expiry(status)?;
        let token = self.text(status, "token")?;
        let pair = match (
            self.text(status, "clientCertificateData")?,
            self.text(status, "clientKeyData")?,
        ) {
            (Some(certificate), Some(key)) => {
                let key = key.as_bytes().to_vec().into();
                let pair = ClientCertificate::from_pem(certificate.as_bytes(), key);
                Some(pair.map_err(|error| match error.kind() {
                    ErrorKind::IncompleteKeyPair => {
                        self.half("a client certificate and a key that do not belong together")
                    }
                    _ => self.invalid(&error),
                })?)
            }
            (None, None) => None,
            (Some(_), None) => return Err(self.half("a client certificate without its key")),
            (None, Some(_)) => return Err(self.half("a client key without its certificate")),
        };
        let credential = match (token, &pair) {
            (Some(token), _) => Credential::bearer(token.into()).map_err(|error| self.invalid(&error))?,
            (None, Some(_)) => Credential::anonymous(),
            (None, None) => {
                return Err(self.of_kind(
                    ErrorKind::MissingCredential,
                    "returned neither a token nor a client certificate and key",
                ));
            }
        };
        let credential = credential.with_expiry(expires_at);
        Ok(match pair {
            Some(pair) => credential.with_certificate(pair),
            None => credential,
        })
    }

    fn check_version(&self, answer: &Value) -> Result<()> {
        let (asked, accepts_any) = match self.version {
            AcceptedVersion::Asked(asked) => (asked, false),
            AcceptedVersion::Any(asked) => (asked, true),
        };
        match self.text(answer, "apiVersion")? {
            Some(version) if version == asked.as_str() => {}
            Some(version) if accepts_any && ApiVersion::parse(version).is_ok() => {}
            Some(version) => {
                let returned = if is_a_version(version) {
                    format!("API version {}", clean_line(version))
                } else {
                    "an unknown API version".to_owned()
                };
                return Err(self
                    .of_kind(
                        ErrorKind::VersionMismatch,
                        &format!("returned {returned} instead of the requested {asked}"),
                    )
                    .with_help("set the API version to one that the plugin supports, or update the plugin"));
            }
            None => {
                return Err(self.of_kind(
                    ErrorKind::VersionMismatch,
                    &format!("returned no API version instead of the requested {asked}"),
                ));
            }
        }
        match self.text(answer, "kind")? {
            None => Ok(()),
            Some(kind) if kind == KIND => Ok(()),
            Some(kind) if is_a_kind(kind) => Err(self.of_kind(
                ErrorKind::KindMismatch,
                &format!("returned kind {kind} instead of {KIND}"),
            )),
            Some(_) => Err(self.of_kind(
                ErrorKind::KindMismatch,
                &format!("returned a kind that is not {KIND}"),
            )),
        }
    }

    fn expiry(&self, status: &Value) -> Result<Option<SystemTime>> {
        self.text(status, "expirationTimestamp")?
            .map(|text| {
                parse_rfc3339(text).ok_or_else(|| {
                    self.malformed("returned an expirationTimestamp that is not an RFC 3339 time")
                })
            })
            .transpose()
    }

    /// A field's text; `None` if it is missing, null or empty.
    fn text<'v>(&self, value: &'v Value, name: &str) -> Result<Option<&'v str>> {
        match value.get(name).filter(|field| !field.is_blank()) {
            None => Ok(None),
            Some(field) => field.as_str().map(Some).ok_or_else(|| {
                self.malformed(&format!(
                    "returned {name} as {}, expected a string",
                    field.type_name()
                ))
            }),
        }
    }

    fn malformed(&self, what: &str) -> Error {
        self.of_kind(ErrorKind::MalformedOutput, what)
    }

    fn half(&self, what: &str) -> Error {
        self.malformed(&format!("returned {what}"))
    }

    fn of_kind(&self, kind: ErrorKind, what: &str) -> Error {
        Error::new(kind, format_args!("{} {what}", self.plugin))
    }

    /// The error of a credential that cannot be used. It is an error of the plugin, and not of the configuration.
    fn invalid(&self, error: &Error) -> Error {
        let named = self.malformed(&format!("returned an invalid credential: {}", error.message()));
        match error.help() {
            Some(help) => named.with_help(help),
            None => named,
        }
    }
}

/// Tries JSON first, which nearly all plugins print, then YAML.
fn parse(output: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(output).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match serde_json::from_str(text) {
        Ok(answer) => Some(answer),
        Err(_) if is_nested_deeper_than(MAX_DEPTH, text) => None,
        Err(_) => serde_yaml::from_str(text).ok(),
    }
}

/// Whether the text looks like an API version, and so may be shown.
fn is_a_version(text: &str) -> bool {
    let version = text
        .strip_prefix(GROUP)
        .and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or(text);
    version.len() <= 12
        && version
            .strip_prefix('v')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        && version
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
}

/// Whether the text looks like the kind of an object, and so may be shown.
fn is_a_kind(text: &str) -> bool {
    text.len() <= 40
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.chars().all(|c| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use kubex_core::time::rfc3339;

    use super::*;

    const SECRET: &str = "s3cret-marker";

    fn read(output: &str) -> Result<Credential> {
        super::read(
            &output.as_bytes().to_vec().into(),
            AcceptedVersion::Asked(ApiVersion::V1),
            "exec plugin x",
        )
    }

    fn of_status(status: &str) -> Result<Credential> {
        read(&format!(
            r#"{{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{status}}}"#
        ))
    }

    fn pair() -> (String, String) {
        let pair = rcgen::generate_simple_self_signed(vec!["jane".into()]).unwrap();
        (pair.cert.pem(), pair.signing_key.serialize_pem())
    }

    #[test]
    fn json_and_yaml_mean_the_same() {
        for output in [
            r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","metadata":{},
                "status":{"token":"abc","expirationTimestamp":"2030-01-01T00:00:00.123456Z","more":[1]}}"#,
            "\u{feff}{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":null,\"status\":\
             {\"token\":\"abc\",\"expirationTimestamp\":\"2030-01-01T01:00:00.123456+01:00\",\
             \"clientKeyData\":\"\"}}\n",
            "---\napiVersion: client.authentication.k8s.io/v1\nkind: ExecCredential\nstatus:\n  token: abc\n  \
             expirationTimestamp: 2030-01-01T00:00:00.123456Z\n",
        ] {
            let credential = read(output).unwrap();
            assert_eq!(credential.token().unwrap().expose_secret(), "abc");
            let expiry = credential.expires_at().unwrap();
            assert_eq!(rfc3339(expiry).to_string(), "2030-01-01T00:00:00.123456Z");
        }
        assert_eq!(of_status(r#"{"token":"abc"}"#).unwrap().expires_at(), None);
    }

    #[test]
    fn a_token_and_a_pair_are_both_used() {
        let (certificate, key) = pair();
        let status = serde_json::json!({"clientCertificateData": certificate, "clientKeyData": key});
        let credential = of_status(&status.to_string()).unwrap();
        assert_eq!(credential.description(), "client certificate");

        let mut status = status;
        status["token"] = "abc".into();
        let credential = of_status(&status.to_string()).unwrap();
        assert_eq!(credential.description(), "bearer token and client certificate");
    }

    #[test]
    fn each_fault_has_an_error_of_its_own_without_the_content() {
        let (certificate, key) = pair();
        let pem = |text: &str| serde_json::Value::from(text).to_string();
        let (certificate, key) = (pem(&certificate), pem(&key));
        let statuses = [
            ("null".to_owned(), ErrorKind::MissingStatus, "no status"),
            (
                r#""s3cret-marker""#.to_owned(),
                ErrorKind::MalformedOutput,
                "not a mapping",
            ),
            ("{}".to_owned(), ErrorKind::MissingCredential, "neither a token"),
            (
                r#"{"token":""}"#.to_owned(),
                ErrorKind::MissingCredential,
                "neither a token",
            ),
            (
                r#"{"Token":"s3cret-marker"}"#.to_owned(),
                ErrorKind::MissingCredential,
                "neither a token",
            ),
            (
                r#"{"token":31337}"#.to_owned(),
                ErrorKind::MalformedOutput,
                "token as a number",
            ),
            (
                r#"{"token":"s3cret-marker\r\nX: y"}"#.to_owned(),
                ErrorKind::MalformedOutput,
                "line break",
            ),
            (
                r#"{"token":"s3cret-marker\u0000"}"#.to_owned(),
                ErrorKind::MalformedOutput,
                "control",
            ),
            (
                format!(r#"{{"token":"{}"}}"#, "s3cret-marker".repeat(80_000)),
                ErrorKind::MalformedOutput,
                "longer than",
            ),
            (
                format!(r#"{{"token":"s3cret-marker","clientCertificateData":{certificate}}}"#),
                ErrorKind::MalformedOutput,
                "without its key",
            ),
            (
                format!(r#"{{"clientKeyData":{key}}}"#),
                ErrorKind::MalformedOutput,
                "without its certificate",
            ),
            (
                format!(r#"{{"clientCertificateData":"s3cret-marker","clientKeyData":{key}}}"#),
                ErrorKind::MalformedOutput,
                "the client certificate",
            ),
            (
                format!(r#"{{"clientCertificateData":{certificate},"clientKeyData":"s3cret-marker"}}"#),
                ErrorKind::MalformedOutput,
                "the client key",
            ),
            (
                r#"{"token":"s3cret-marker","expirationTimestamp":"s3cret-marker"}"#.to_owned(),
                ErrorKind::MalformedOutput,
                "expirationTimestamp",
            ),
            (
                r#"{"token":"s3cret-marker","expirationTimestamp":1893456000}"#.to_owned(),
                ErrorKind::MalformedOutput,
                "expirationTimestamp as a number",
            ),
        ];
        for (status, kind, said) in &statuses {
            let error = of_status(status).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert_eq!(error.kind(), *kind, "{shown}");
            assert!(
                shown.contains(said) && shown.starts_with("exec plugin x"),
                "{shown}"
            );
            assert!(!shown.contains(SECRET) && !shown.contains("31337"), "{shown}");
        }
    }

    #[test]
    fn another_version_or_kind_is_named_where_it_is_one() {
        let with = |version: &str, kind: &str| {
            let output =
                format!(r#"{{"apiVersion":"{version}","kind":"{kind}","status":{{"token":"{SECRET}"}}}}"#);
            read(&output).unwrap_err().message().to_owned()
        };
        let v1 = "client.authentication.k8s.io/v1";
        for (version, returned) in [
            (
                "client.authentication.k8s.io/v1beta1",
                "API version client.authentication.k8s.io/v1beta1",
            ),
            (
                "client.authentication.k8s.io/v1alpha1",
                "API version client.authentication.k8s.io/v1alpha1",
            ),
            ("v1", "API version v1"),
            ("", "no API version"),
            (SECRET, "an unknown API version"),
        ] {
            let expected = format!("exec plugin x returned {returned} instead of the requested {v1}");
            assert_eq!(with(version, KIND), expected);
        }
        assert_eq!(
            with(v1, "Status"),
            "exec plugin x returned kind Status instead of ExecCredential"
        );
        assert!(!with(v1, SECRET).contains(SECRET));
    }

    #[test]
    fn an_answer_that_is_cut_anywhere_is_malformed() {
        let whole = format!(
            r#"{{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{{"token":"{SECRET}"}}}}"#
        );
        for end in 1..whole.len() {
            let error = read(&whole[..end]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::MalformedOutput, "{end}");
            assert!(!format!("{error} {error:?}").contains("s3cr"), "{end}");
        }
        for broken in [
            format!("{whole} s3cret-marker"),
            format!("{whole}{whole}"),
            format!("{whole}\n{whole}"),
            format!("Warning: s3cret-marker\n{whole}"),
            "s3cret-marker".to_owned(),
            "[]".to_owned(),
            "null".to_owned(),
            "[".repeat(100_000),
            "{\"a\":".repeat(100_000),
            "[{a: ".repeat(100_000),
            "- ".repeat(100_000),
        ] {
            let error = read(&broken).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::MalformedOutput);
            assert!(!format!("{error} {error:?}").contains(SECRET));
        }
        let not_text = super::read(
            &vec![0xff, 0xfe, b'{'].into(),
            AcceptedVersion::Asked(ApiVersion::V1),
            "exec plugin x",
        );
        assert_eq!(not_text.unwrap_err().kind(), ErrorKind::MalformedOutput);
    }
}
