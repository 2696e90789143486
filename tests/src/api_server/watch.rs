//! Watches: answers that go on, an event a line, until the server ends them.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Those who watch, by the path that they watch.
#[derive(Debug, Default)]
pub(super) struct Watches {
    by_path: HashMap<String, Vec<UnboundedSender<Bytes>>>,
}

impl Watches {
    pub(super) fn open(&mut self, path: &str) -> Events {
        let (sender, receiver) = unbounded_channel();
        self.by_path.entry(path.to_owned()).or_default().push(sender);
        Events(receiver)
    }

    /// Tells those who watch this path, and says how many there are.
    pub(super) fn tell(&mut self, path: &str, event: &Value) -> usize {
        let Some(senders) = self.by_path.get_mut(path) else {
            return 0;
        };
        let line = line(event);
        // Who is gone has dropped the receiver.
        senders.retain(|sender| sender.send(line.clone()).is_ok());
        senders.len()
    }

    /// Ends every watch as the real server does after a while: its answer is complete.
    pub(super) fn end(&mut self) {
        self.by_path.clear();
    }
}

/// An event as a line. As of the real server, its type comes first: clients read the object by its type.
pub(super) fn line(event: &Value) -> Bytes {
    let (kind, object) = (&event["type"], &event["object"]);
    Bytes::from(format!("{{\"type\":{kind},\"object\":{object}}}\n"))
}

/// Whether a request with this query watches.
pub(super) fn is_watch(query: Option<&str>) -> bool {
    query
        .unwrap_or_default()
        .split('&')
        .any(|pair| matches!(pair, "watch=true" | "watch=1"))
}

/// The body of a watch.
#[derive(Debug)]
pub(super) struct Events(UnboundedReceiver<Bytes>);

impl Events {
    /// The watch of a version that is no longer known: one event, as of the real server.
    pub(super) fn expired() -> Self {
        let (sender, receiver) = unbounded_channel();
        let event = json!({"type": "ERROR", "object": {
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "too old resource version", "reason": "Expired", "code": 410,
        }});
        // The receiver is not dropped yet.
        let _ = sender.send(line(&event));
        Self(receiver)
    }

    pub(super) fn new(lines: UnboundedReceiver<Bytes>) -> Self {
        Self(lines)
    }
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0
            .poll_recv(context)
            .map(|line| line.map(|line| Ok(Frame::data(line))))
    }
}
