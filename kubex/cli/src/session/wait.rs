//! Shows what the command waits for, if it takes long.

use std::io::{IsTerminal as _, stderr};
use std::pin::Pin;
use std::time::Duration;

use kubex::{ClientConfiguration, Host};

use crate::output::{Style, print_message};

/// Shorter waits show nothing.
const QUIET: Duration = Duration::from_secs(1);

/// Waits for a credential or a response. After a second, prints on a terminal which of the two it waits for.
pub(crate) async fn waiting_for<T>(
    configuration: &ClientConfiguration,
    host: &Host,
    mut future: Pin<Box<dyn Future<Output = T> + '_>>,
) -> T {
    if !stderr().is_terminal() {
        return future.await;
    }
    if let Ok(result) = host.within(QUIET, future.as_mut()).await {
        return result;
    }
    let credentials = configuration.credentials();
    let what = match credentials.try_current() {
        Some(_) => format!("a response from {}", configuration.cluster().server),
        None => format!("the credential: {}", credentials.describe()),
    };
    let style = Style::for_stderr(host);
    print_message(&format!("{} {what}", style.warning("waiting for")));
    future.await
}
