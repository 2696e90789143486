//! `exec` and `port-forward`: an HTTP/1.1 connection that becomes a web socket, at whose other end is an echo.
//!
//! What a client sends on the channel of its standard input comes back on the one of the standard output, and when
//! it ends its input the process succeeds. A forwarded port sends back what it is sent.

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::{self, Message, protocol::Role};

const PROTOCOL: &str = "v5.channel.k8s.io";
const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STATUS: u8 = 3;
/// Says that the channel it names has ended.
const CLOSE: u8 = 255;

/// What the connection becomes.
#[derive(Debug, Clone)]
pub(super) enum Stream {
    Exec,
    /// With these ports.
    PortForward(Vec<u16>),
}

impl Stream {
    /// What a path and a query ask for.
    pub(super) fn of(path: &str, query: Option<&str>) -> Option<Self> {
        let pod = path.strip_prefix("/api/v1/namespaces/")?;
        if pod.ends_with("/exec") {
            return Some(Self::Exec);
        }
        let ports = query
            .unwrap_or_default()
            .split('&')
            .filter_map(|pair| pair.strip_prefix("ports="))
            .flat_map(|ports| ports.split("%2C"))
            .filter_map(|port| port.parse().ok());
        pod.ends_with("/portforward")
            .then(|| Self::PortForward(ports.collect()))
    }

    /// The answer to a request that wants this, once the request has been put off to the connection's end as HTTP.
    /// `None` where it does not ask for a web socket of the right protocol.
    pub(super) fn accept(self, headers: &HeaderMap, upgrade: OnUpgrade) -> Option<Response<()>> {
        let is_socket = headers
            .get(header::UPGRADE)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
        let key = headers.get(header::SEC_WEBSOCKET_KEY)?;
        let offers = headers.get(header::SEC_WEBSOCKET_PROTOCOL)?.to_str().ok()?;
        if !is_socket || !offers.split(", ").any(|offer| offer == PROTOCOL) {
            return None;
        }
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let accepted = HeaderValue::try_from(derive_accept_key(key.as_bytes())).ok()?;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accepted);
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
        tokio::spawn(async move {
            let Ok(upgraded) = upgrade.await else { return };
            let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
            // A socket that breaks is the client's affair.
            let _ = self.serve(socket).await;
        });
        Some(response)
    }

    async fn serve<S>(self, mut socket: WebSocketStream<S>) -> tungstenite::Result<()>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        if let Self::PortForward(ports) = &self {
            for (channel, port) in (0_u8..).step_by(2).zip(ports) {
                let [low, high] = port.to_le_bytes();
                socket.send(binary(&[channel, low, high])).await?;
                socket.send(binary(&[channel + 1, low, high])).await?;
            }
        }
        while let Some(message) = socket.next().await {
            let Message::Binary(message) = message? else {
                continue;
            };
            match (&self, &*message) {
                (Self::Exec, [STDIN, data @ ..]) => {
                    socket.send(binary(&[&[STDOUT], data].concat())).await?;
                }
                (Self::Exec, [CLOSE, STDIN]) => {
                    let success = br#"{"metadata":{},"status":"Success"}"#;
                    socket.send(binary(&[&[STATUS], &success[..]].concat())).await?;
                    break;
                }
                (Self::PortForward(_), [channel, ..]) if *channel != CLOSE => {
                    socket.send(Message::Binary(message)).await?;
                }
                _ => {}
            }
        }
        socket.close(None).await
    }
}

fn binary(bytes: &[u8]) -> Message {
    Message::Binary(Bytes::copy_from_slice(bytes))
}
