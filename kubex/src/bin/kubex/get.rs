//! `kubex get PATH`: one authenticated GET, as `kubectl get --raw`.
//!
//! The body goes to standard output as it comes; on a terminal, control characters in it have no effect.
//! Redirects are followed on the server's own origin alone.

use std::io::{self, Write as _};

use clap::Args;
use kubex::reqwest::{Client, Response};
use kubex::text::clean;

use crate::failure::Failure;
use crate::server::{self, TimeoutArgument};
use crate::session::Session;

/// What to get.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The path on the server, below the path its address may have, with its query: /version
    path: String,
    #[command(flatten)]
    timeout: TimeoutArgument,
}

pub(crate) async fn run(arguments: &Arguments, session: &Session) -> Result<(), Failure> {
    let configuration = session.resolve_and_warn().await?;
    let client = Client::new(&configuration)?;
    let request = client.get(&arguments.path)?;
    let answer = async {
        let response = server::successful(request.send().await?, &configuration).await?;
        print_body(response, session.prints_to_a_terminal()).await
    };
    arguments.timeout.within(session, answer).await
}

async fn print_body(mut response: Response, is_terminal: bool) -> Result<(), Failure> {
    let mut cut = Vec::new();
    while let Some(chunk) = next(&mut response).await? {
        let mut output = io::stdout().lock();
        if is_terminal {
            cut.extend_from_slice(chunk.as_ref());
            let whole = up_to_a_cut_character(&cut);
            let text = String::from_utf8_lossy(cut.get(..whole).unwrap_or_default());
            output.write_all(clean(&text).as_bytes())?;
            cut.drain(..whole);
        } else {
            output.write_all(chunk.as_ref())?;
        }
        output.flush()?;
    }
    if !cut.is_empty() {
        io::stdout()
            .lock()
            .write_all(String::from_utf8_lossy(&cut).as_bytes())?;
    }
    Ok(())
}

async fn next(response: &mut Response) -> Result<Option<impl AsRef<[u8]> + use<>>, Failure> {
    response
        .chunk()
        .await
        .map_err(|_| server::broken("the server's answer broke off"))
}

/// How many of the bytes come before a character whose end has not come yet.
fn up_to_a_cut_character(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_in_two_chunks_waits_for_its_end() {
        let bytes = "aü".as_bytes();
        assert_eq!(up_to_a_cut_character(&bytes[..2]), 1);
        assert_eq!(up_to_a_cut_character(bytes), 3);
        assert_eq!(up_to_a_cut_character(b"a\xffb"), 3);
    }
}
