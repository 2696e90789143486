//! A GitHub Actions job: the address and the token of its requests.

use kubex_core::{Error, ErrorKind, Host, Origin, Result, SecretString};
use url::Url;

/// The variable with the address.
const URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";

/// The variable with the token of the request.
const TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

/// The address and the token, from the variables of the job.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) url: Url,
    pub(crate) token: SecretString,
}

impl Job {
    /// Reads the variables.
    ///
    /// # Errors
    /// `NotConfigured` outside of GitHub Actions; `MissingField` in a job without the permission; `InvalidValue` for an
    /// address that is not https.
    pub(crate) fn read(host: &Host) -> Result<Self> {
        let variable = |name: &str| host.environment().unicode(name);
        let (address, token) = match (variable(URL)?, variable(TOKEN)?) {
            (Some(address), Some(token)) => (address, SecretString::from(token)),
            (address, _) => {
                let missing = if address.is_none() { URL } else { TOKEN };
                return Err(missing_variable(missing, variable("GITHUB_ACTIONS")?.is_some()));
            }
        };
        let invalid = |why: &str| {
            Error::new(ErrorKind::InvalidValue, format_args!("the variable {URL} {why}"))
                .with_origin(&Origin::variable(URL))
                .with_help("leave it as GitHub Actions sets it")
        };
        let url = Url::parse(&address).map_err(|_| invalid("does not hold a valid URL"))?;
        if url.scheme() != "https" {
            return Err(invalid("does not hold an https address"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("holds a user name or a password"));
        }
        Ok(Self { url, token })
    }

    /// The address for a token with this audience.
    pub(crate) fn address_for(&self, audience: &str) -> Url {
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("audience", audience);
        url
    }

    /// The server in errors: without path and query, which identify the job.
    pub(crate) fn whom(&self) -> String {
        format!("GitHub Actions at {}", self.url.origin().ascii_serialization())
    }
}

fn missing_variable(name: &str, is_in_a_job: bool) -> Error {
    let what = format!("the variable {name} is not set");
    if !is_in_a_job {
        return Error::not_configured(what).with_help("run in a job of GitHub Actions");
    }
    Error::new(
        ErrorKind::MissingField,
        format_args!("{what}: the job has no permission to request tokens"),
    )
    .with_help("set `permissions: {id-token: write}` for the job")
}

#[cfg(test)]
mod tests {
    use kubex_core::host::SimulatedHost;

    use super::*;

    fn job(address: &str) -> Result<Job> {
        let world = SimulatedHost::new();
        let host = world.host().with_variable(URL, Some(address));
        Job::read(&host.with_variable(TOKEN, Some("t")))
    }

    #[test]
    fn the_audience_is_added_to_the_query_of_the_address() {
        let job = job("https://runner.example/abc?api-version=2.0").unwrap();
        let address = job.address_for("a&b c");
        assert_eq!(
            address.as_str(),
            "https://runner.example/abc?api-version=2.0&audience=a%26b+c"
        );
        assert_eq!(job.whom(), "GitHub Actions at https://runner.example");
    }

    #[test]
    fn an_address_that_is_not_https_is_refused_and_not_quoted() {
        for address in [
            "http://s3cr3t.example",
            "s3cr3t",
            "https://s3cr3t@h",
            "https://jane:s3cr3t@h",
            "file:///s3cr3t",
        ] {
            let error = job(address).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidValue, "{address}");
            assert!(!error.to_string().contains("s3cr3t"), "{error}");
        }
    }
}
