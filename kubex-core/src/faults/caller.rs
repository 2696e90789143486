//! A caller that is dropped before it gets its result.

use std::pin::pin;
use std::task::Poll;

/// Polls the future up to this many times, then drops it. A test that calls it with 1, 2, 3, ... cancels the future at
/// each of its `await` points in turn.
///
/// ```
/// use kubex_core::faults::give_up_after;
/// use kubex_core::{Credential, Credentials};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> kubex_core::Result<()> {
/// let credentials = Credentials::fixed(Credential::bearer("abc".into())?);
/// for polls in 1..=3 {
///     give_up_after(polls, credentials.current()).await;
/// }
/// assert!(credentials.current().await.is_ok());
/// # Ok(())
/// # }
/// ```
pub async fn give_up_after(polls: usize, future: impl Future) {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 || future.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
