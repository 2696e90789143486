//! `kubex get PATH`: one authenticated GET request, as `kubectl get --raw`.
//!
//! The body goes to stdout unchanged; on a terminal, its control characters are replaced. Redirects are followed to the
//! server's own origin only.

use clap::Args;
use kubex::reqwest::{Client, Response};

use super::request::{self, TimeoutArgument};
use crate::failure::{Failure, status};
use crate::output;
use crate::session::{Session, waiting_for};

/// The arguments of `get`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The path and query, such as /version; it is appended to the path of the server's address
    path: String,
    #[command(flatten)]
    timeout: TimeoutArgument,
}

pub(crate) async fn run(arguments: &Arguments, session: &Session) -> Result<(), Failure> {
    if !arguments.path.starts_with('/') {
        let failure = Failure::new(status::USAGE, "the path does not begin with \"/\"");
        return Err(failure.with_help(
            "write an API path, such as /api/v1/namespaces/default/pods; only kubectl accepts short names, such as pods",
        ));
    }
    let configuration = session.resolve_and_warn().await?;
    let client = Client::new(&configuration)?;
    let request = client.get(&arguments.path)?;
    let response = async {
        let sent = waiting_for(&configuration, &session.host, Box::pin(request.send())).await?;
        let response = request::successful(sent, &configuration, session).await?;
        print_body(response, output::is_terminal()).await
    };
    arguments.timeout.within(session, response).await
}

async fn print_body(mut response: Response, is_terminal: bool) -> Result<(), Failure> {
    let mut partial = Vec::new();
    while let Some(chunk) = next(&mut response).await? {
        if is_terminal {
            partial.extend_from_slice(chunk.as_ref());
            let whole = complete_characters(&partial);
            output::print_requested(partial.get(..whole).unwrap_or_default())?;
            partial.drain(..whole);
        } else {
            output::print_requested(chunk.as_ref())?;
        }
    }
    if !partial.is_empty() {
        output::print_requested(&partial)?;
    }
    Ok(())
}

async fn next(response: &mut Response) -> Result<Option<impl AsRef<[u8]> + use<>>, Failure> {
    response
        .chunk()
        .await
        .map_err(|_| request::broken("the response ended early"))
}

/// The number of bytes before a last character whose bytes have not all arrived.
fn complete_characters(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_split_between_two_chunks_is_kept_until_it_is_complete() {
        let bytes = "aü".as_bytes();
        assert_eq!(complete_characters(&bytes[..2]), 1);
        assert_eq!(complete_characters(bytes), 3);
        assert_eq!(complete_characters(b"a\xffb"), 3);
    }
}
