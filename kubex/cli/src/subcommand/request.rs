//! The server's response: its timeout, and the failure if it is not a success.

use std::time::Duration;

use clap::Args;
use kubex::reqwest::{Response, StatusCode};
use kubex::text::{Mask, clean};
use kubex::time::rfc3339;
use kubex::{ClientConfiguration, Error, ErrorKind};

use crate::failure::{Failure, status};
use crate::session::Session;

/// How much of a response is read to find out what failed.
const MAX_READ: usize = 64 * 1024;
/// How many characters of it are shown.
const MAX_SHOWN: usize = 4 * 1024;

/// The argument `--request-timeout`.
#[derive(Debug, Args)]
pub(crate) struct TimeoutArgument {
    /// How long the request may take, such as 30s or 2m; 0 means no limit
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = duration)]
    request_timeout: Duration,
}

impl TimeoutArgument {
    /// Runs the request, at most for the timeout.
    pub(crate) async fn within<T>(
        &self,
        session: &Session,
        request: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        if self.request_timeout.is_zero() {
            return request.await;
        }
        let limit = self.request_timeout;
        session.host.within(limit, request).await.unwrap_or_else(|_| {
            let error = Error::new(
                ErrorKind::TimedOut,
                format_args!("the request took longer than {} s", limit.as_secs_f32()),
            );
            Err(error.with_help("allow more time with --request-timeout").into())
        })
    }
}

/// A number of seconds, or with a unit: `500ms`, `30s`, `2m`, `1h`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let unit = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit);
    let number: u64 = number
        .parse()
        .map_err(|_| "expected a number and a unit, such as 30s")?;
    let seconds = |in_unit: u64| number.checked_mul(in_unit).map(Duration::from_secs);
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "" | "s" => seconds(1),
        "m" => seconds(60),
        "h" => seconds(3600),
        _ => return Err("expected a unit of ms, s, m or h".to_owned()),
    }
    .ok_or_else(|| "the duration is too long".to_owned())
}

/// The response, if it is a success.
pub(crate) async fn successful(
    response: Response,
    configuration: &ClientConfiguration,
    session: &Session,
) -> Result<Response, Failure> {
    let code = response.status();
    if code.is_success() {
        return Ok(response);
    }
    if code.is_redirection() {
        let failure = Failure::new(
            status::REQUEST_FAILED,
            format!("the server responded {code}, a redirect to another origin, which is not followed"),
        );
        return Err(failure.with_help("check the server's address; credentials are sent to its origin only"));
    }
    let reason = reason(response).await;
    if code != StatusCode::UNAUTHORIZED {
        return Err(Failure::new(
            status::REQUEST_FAILED,
            format!("the server responded {code}{reason}"),
        ));
    }
    let source = configuration.credentials().describe();
    let failure = Failure::new(
        status::REJECTED,
        format!("the server rejected the credential ({source}): {code}{reason}"),
    );
    let expired_at = configuration
        .credentials()
        .try_current()
        .and_then(|credential| credential.certificate()?.not_after())
        .filter(|not_after| *not_after < session.host.now().wall);
    Err(match expired_at {
        Some(not_after) => failure.with_help(format!(
            "get a new client certificate; the current one expired at {}",
            rfc3339(not_after)
        )),
        None if is_of_a_pod(configuration) => failure.with_help(
            "check that the service account of the pod still exists, and that the server is that of the pod's own cluster",
        ),
        None => {
            failure.with_help("log in again, or run kubex explain to see where the credential comes from")
        }
    })
}

/// Whether the credential is the service account's token that Kubernetes mounts into a pod.
fn is_of_a_pod(configuration: &ClientConfiguration) -> bool {
    let chosen = configuration.report().chosen();
    let file = configuration.provenance().file_of("token-file");
    chosen.is_some_and(|attempt| attempt.source == "in-cluster")
        || file.is_some_and(|file| file.starts_with("/var/run/secrets/kubernetes.io/serviceaccount"))
}

/// The server's message, unless it only repeats the status.
async fn reason(mut response: Response) -> String {
    let code = response.status();
    let body = beginning(&mut response, MAX_READ).await;
    let message = serde_json::from_slice::<serde_json::Value>(&body).ok();
    let message = message.as_ref().and_then(|it| it.get("message")?.as_str());
    let text = match message {
        Some(message) => message.to_owned(),
        None => String::from_utf8_lossy(&body).into_owned(),
    };
    // Masked before it is cut: a part of a secret is harder to recognize.
    let text = Mask::new().apply(text.trim());
    let text: String = clean(&text).chars().take(MAX_SHOWN).collect();
    if text.is_empty() || Some(text.as_str()) == code.canonical_reason() {
        String::new()
    } else {
        format!(": {text}")
    }
}

/// The beginning of a body; a body that cannot be read on counts as ended.
pub(crate) async fn beginning(response: &mut Response, limit: usize) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() >= limit {
            body.truncate(limit);
            break;
        }
    }
    body
}

/// The failure of a response that is incomplete or malformed.
pub(crate) fn broken(message: &str) -> Failure {
    Error::new(ErrorKind::RequestFailed, message).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_the_units_of_kubectl() {
        for (text, milliseconds) in [
            ("0", 0),
            ("30", 30_000),
            ("500ms", 500),
            ("30s", 30_000),
            ("2m", 120_000),
            ("1h", 3_600_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)));
        }
        for text in [
            "",
            "s",
            "-1s",
            "1.5s",
            "1d",
            "99999999999999999999s",
            "18446744073709551615h",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
