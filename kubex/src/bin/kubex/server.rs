//! An answer of the server's: what it says where it does not give what was asked for.

use std::time::Duration;

use clap::Args;
use kubex::reqwest::{Response, StatusCode};
use kubex::text::{Mask, clean};
use kubex::{ClientConfiguration, Error, ErrorKind};

use crate::failure::Failure;
use crate::session::Session;
use crate::status;

/// How much of an answer is read to find out what went wrong.
const MOST_OF_A_FAILURE: usize = 64 * 1024;
/// How much of a text that is no `Status` is shown.
const MOST_SHOWN: usize = 4 * 1024;

/// How long a request may take.
#[derive(Debug, Args)]
pub(crate) struct TimeoutArgument {
    /// How long the request may take, such as 30s or 2m; 0 for as long as it takes
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = duration)]
    request_timeout: Duration,
}

impl TimeoutArgument {
    /// Runs a part of the request, for as long as it may take.
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
            Err(error.with_help("allow more by --request-timeout").into())
        })
    }
}

/// A number of seconds, or with a unit: `500ms`, `30s`, `2m`, `1h`.
fn duration(text: &str) -> Result<Duration, String> {
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
    .ok_or_else(|| "it is too long".to_owned())
}

/// The answer, where it is one of success.
pub(crate) async fn successful(
    response: Response,
    configuration: &ClientConfiguration,
) -> Result<Response, Failure> {
    let code = response.status();
    if code.is_success() {
        return Ok(response);
    }
    if code.is_redirection() {
        let failure = Failure::told(
            status::REQUEST_FAILED,
            format!("the server answered {code}, which leads elsewhere and was not followed"),
        );
        return Err(failure.with_help("check the server's address; credentials go to one origin"));
    }
    let reason = reason(response).await;
    if code != StatusCode::UNAUTHORIZED {
        return Err(Failure::told(
            status::REQUEST_FAILED,
            format!("the server answered {code}{reason}"),
        ));
    }
    let given = configuration.credentials().describe();
    let failure = Failure::told(
        status::REJECTED,
        format!("the server rejected the credential ({given}): {code}{reason}"),
    );
    Err(failure.with_help("log in again, or see by kubex explain where the credential comes from"))
}

/// What the server says, as far as it is not the status in other words.
async fn reason(mut response: Response) -> String {
    let code = response.status();
    let body = beginning(&mut response, MOST_OF_A_FAILURE).await;
    let message = serde_json::from_slice::<serde_json::Value>(&body).ok();
    let message = message.as_ref().and_then(|it| it.get("message")?.as_str());
    let text = match message {
        Some(message) => message.to_owned(),
        None => String::from_utf8_lossy(&body).into_owned(),
    };
    let text: String = clean(text.trim()).chars().take(MOST_SHOWN).collect();
    let text = Mask::new().apply(&text);
    if text.is_empty() || Some(text.as_str()) == code.canonical_reason() {
        String::new()
    } else {
        format!(": {text}")
    }
}

/// The beginning of a body; what cannot be read counts as its end.
pub(crate) async fn beginning(response: &mut Response, most: usize) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() >= most {
            body.truncate(most);
            break;
        }
    }
    body
}

/// The failure of an answer that breaks off, or is not what an API server says.
pub(crate) fn broken(what: &str) -> Failure {
    Error::new(ErrorKind::RequestFailed, what).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_written_as_for_kubectl() {
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
