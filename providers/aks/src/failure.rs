//! Errors of the Azure SDK as errors of Kubex: without the bodies of responses, and with one thing to do.

use std::fmt;

use azure_core::error::ErrorKind as SdkErrorKind;
use kubex_core::text::causes;
use kubex_core::{Error, ErrorKind};
use kubex_tls::LARGEST_RESPONSE_TEXT;
use url::Url;

/// The server that issues the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    /// Microsoft Entra, at this address.
    Entra(Url),
    /// The machine, for its managed identity.
    Machine,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entra(url) => write!(f, "Microsoft Entra at {}", url.origin().ascii_serialization()),
            Self::Machine => f.write_str("the managed identity service of this machine"),
        }
    }
}

/// Why a request has no answer that the SDK can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It was not sent, or the connection failed.
    NotSent(String),
    TimedOut,
    /// It was refused with this status, again and again.
    Refused(u16),
    /// The response is larger than is read.
    TooLarge,
    /// The response contains something else than a token, which this text describes.
    Malformed(&'static str),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request has no answer")
    }
}

impl std::error::Error for Failure {}

/// The help for error codes of Microsoft Entra.
const HELP: &[(&[&str], &str)] = &[
    (&["7000215"], "check the client secret: its value, not its id"),
    (
        &["7000222"],
        "create a new client secret, because this one has expired",
    ),
    (
        &["700016", "90002", "900023", "900021"],
        "check \"client-id\" and \"tenant-id\"",
    ),
    (&["500011", "65001"], "check \"server-id\""),
    (
        &["70021", "700211", "700212", "700213"],
        "add a federated credential with the issuer and subject of the token file to the application",
    ),
    (
        &["700024", "700027"],
        "check that the token file is renewed, and the clock of this machine",
    ),
    (
        &["53003"],
        "ask whether a conditional access policy of the tenant allows this machine",
    ),
];

/// The error of a fetch. The SDK's error is not kept as the source: its `Debug` contains responses. `was_asked` is whether
/// the SDK sent a request.
pub(crate) fn failed(error: &azure_core::Error, was_asked: bool, server: &Server) -> Error {
    if !was_asked {
        return not_accepted();
    }
    for cause in causes(error) {
        if let Some(failure) = cause.downcast_ref::<Failure>() {
            return without_answer(failure, server);
        }
        let kind = cause
            .downcast_ref::<azure_core::Error>()
            .map(azure_core::Error::kind);
        if let Some(SdkErrorKind::HttpResponse {
            status, error_code, ..
        }) = kind
        {
            return refused(u16::from(*status), error_code.as_deref(), server);
        }
    }
    malformed("a response that is not a token", server)
}

/// The error of settings that the SDK does not accept, so that no request was sent.
pub(crate) fn not_accepted() -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "the Azure SDK does not accept these settings",
    )
    .with_help("check the client id and the tenant id")
}

fn without_answer(failure: &Failure, server: &Server) -> Error {
    match failure {
        Failure::NotSent(why) => Error::new(
            ErrorKind::Unavailable,
            format_args!("the request to {server} failed: {why}"),
        )
        .with_help(
            "check that this machine can reach the server, and check the server's certificate authority",
        ),
        Failure::TimedOut => Error::new(
            ErrorKind::TimedOut,
            format_args!("{server} did not answer in time"),
        )
        .with_help("check that this machine can reach the server"),
        Failure::Refused(status) => refused(*status, None, server),
        Failure::TooLarge => malformed(
            &format!("a response of more than {LARGEST_RESPONSE_TEXT}"),
            server,
        ),
        Failure::Malformed(what) => malformed(what, server),
    }
}

fn refused(status: u16, codes: Option<&str>, server: &Server) -> Error {
    let is_code = |code: &&str| !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_digit());
    let codes: Vec<&str> = codes
        .into_iter()
        .flat_map(|codes| codes.split(','))
        .filter(is_code)
        .collect();
    let named = codes
        .iter()
        .take(4)
        .fold(String::new(), |named, code| named + ", AADSTS" + code);
    let known = HELP
        .iter()
        .find(|(known, _)| codes.iter().any(|code| known.contains(code)));
    let help = match (known, server) {
        (Some((_, help)), _) => help,
        (None, _) if status == 429 || status >= 500 => "try again later",
        (None, Server::Machine) => "check that the identity exists, and is assigned to this machine",
        (None, Server::Entra(_)) => "check the identity: its login, client and tenant",
    };
    Error::new(
        ErrorKind::Unavailable,
        format_args!("{server} refused a token: HTTP status {status}{named}"),
    )
    .with_help(help)
}

/// The error of an answer without a token.
pub(crate) fn malformed(what: &str, server: &Server) -> Error {
    Error::new(
        ErrorKind::MalformedDocument,
        format_args!("{server} returned {what}"),
    )
    .with_help("check which program answers at that address")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_shows_its_codes_and_what_to_do() {
        let entra = Server::Entra("https://login.microsoftonline.com/".parse().unwrap());
        let error = refused(401, Some("7000222"), &entra);
        assert_eq!(
            error.message(),
            "Microsoft Entra at https://login.microsoftonline.com refused a token: HTTP status 401, AADSTS7000222"
        );
        assert!(error.help().unwrap().contains("has expired"));
        let error = refused(400, Some("s3cret,1"), &entra);
        assert!(error.message().ends_with("HTTP status 400, AADSTS1"), "{error}");
        assert!(refused(503, None, &entra).help().unwrap().contains("later"));
        assert!(
            refused(400, None, &Server::Machine)
                .help()
                .unwrap()
                .contains("assigned to")
        );
    }

    #[test]
    fn an_error_of_the_sdk_is_never_quoted() {
        for (kind, was_asked, shown_as) in [
            (SdkErrorKind::DataConversion, true, ErrorKind::MalformedDocument),
            // A plugin that is replaced runs.
            (SdkErrorKind::Credential, false, ErrorKind::Unsupported),
        ] {
            let error = azure_core::Error::with_message(kind, "s3cret");
            let shown = failed(&error, was_asked, &Server::Machine);
            assert_eq!(shown.kind(), shown_as);
            assert!(!format!("{shown:?} {shown}").contains("s3cret"));
        }
    }
}
