//! A scripted server that sends valid or faulty responses.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a connection may stay idle before the server closes it.
const PATIENCE: Duration = Duration::from_secs(30);

/// The maximum size of a request, in bytes.
const LARGEST_REQUEST: usize = 64 * 1024;

/// The response of a [`FaultyServer`] to one request.
///
/// A client under test must return a typed error for each faulty response within its time limit, and must limit how
/// much of a response it reads.
///
/// ```
/// use kubex_core::faults::{FaultyServer, Reply};
///
/// let server = FaultyServer::playing([Reply::Status(503, "try later".to_owned()), Reply::Garbage, Reply::Hangs])?;
/// assert!(server.url().starts_with("http://127.0.0.1:"));
/// assert_eq!(server.requests(), 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub enum Reply {
    /// Sends this status and this body.
    Status(u16, String),
    /// Sends bytes that are not HTTP.
    Garbage,
    /// Sends half of a response, then closes the connection.
    CutShort,
    /// Closes the connection.
    Closes,
    /// Sends nothing until the client disconnects.
    Hangs,
    /// Sends this many bytes, without a `Content-Length`.
    Floods(usize),
}

/// A plain HTTP/1.1 server on 127.0.0.1, for tests of clients and of providers that send requests to `http` addresses.
/// Each connection receives the next scripted reply. The last reply is repeated. The server records the heads of the
/// requests, and stops when it is dropped.
pub struct FaultyServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

struct Shared {
    replies: Mutex<VecDeque<Reply>>,
    heads: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

impl FaultyServer {
    /// Starts a server that sends these replies. If there are none, the server accepts requests and never responds.
    ///
    /// # Errors
    /// Returns the system's error if no port is available.
    pub fn playing(replies: impl IntoIterator<Item = Reply>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            replies: Mutex::new(replies.into_iter().collect()),
            heads: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        let listener = std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                if serving.is_over.load(Ordering::SeqCst) {
                    return;
                }
                let serving = Arc::clone(&serving);
                // A client that disconnects early is part of the tests.
                std::thread::spawn(move || drop(serving.answer(connection)));
            }
        });
        Ok(Self {
            address,
            shared,
            listener: Some(listener),
        })
    }

    /// Returns the server's URL, without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the number of requests received.
    pub fn requests(&self) -> usize {
        held(&self.shared.heads).len()
    }

    /// Returns the head of each request received: its request line and its headers as they were sent, credentials included.
    ///
    /// ```
    /// use std::io::{Read, Write};
    /// use kubex_core::faults::{FaultyServer, Reply};
    ///
    /// let server = FaultyServer::playing([Reply::Status(200, "{}".to_owned())])?;
    /// let mut connection = std::net::TcpStream::connect(server.url().trim_start_matches("http://"))?;
    /// connection.write_all(b"GET /version HTTP/1.1\r\nAuthorization: Bearer abc\r\n\r\n")?;
    /// connection.read_to_end(&mut Vec::new())?;
    /// assert!(server.heads()[0].contains("Authorization: Bearer abc"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn heads(&self) -> Vec<String> {
        held(&self.shared.heads).clone()
    }
}

impl Shared {
    fn next(&self) -> Reply {
        let mut replies = held(&self.replies);
        if replies.len() > 1 {
            replies.pop_front().unwrap_or(Reply::Hangs)
        } else {
            replies.front().cloned().unwrap_or(Reply::Hangs)
        }
    }

    fn answer(&self, mut connection: TcpStream) -> io::Result<()> {
        connection.set_read_timeout(Some(PATIENCE))?;
        connection.set_write_timeout(Some(PATIENCE))?;
        let Some(head) = read_head(&mut connection)? else {
            return Ok(());
        };
        held(&self.heads).push(head);
        match self.next() {
            Reply::Status(status, text) => write!(
                connection,
                "HTTP/1.1 {status} As Told\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
                text.len()
            ),
            Reply::Garbage => connection.write_all(b"\x16\x03\x01 this is not HTTP\r\n\r\n"),
            Reply::CutShort => {
                connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"half\":")
            }
            Reply::Closes => Ok(()),
            Reply::Hangs => {
                let mut rest = [0; 1024];
                while connection.read(&mut rest)? > 0 {}
                Ok(())
            }
            Reply::Floods(bytes) => {
                connection.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")?;
                let block = [b'x'; 8192];
                let mut left = bytes;
                while left > 0 {
                    let (now, _) = block.split_at(left.min(block.len()));
                    connection.write_all(now)?;
                    left -= now.len();
                }
                Ok(())
            }
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads up to the empty line that ends the request's head. Returns the head, if the client sent one.
fn read_head(connection: &mut TcpStream) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while head.len() < LARGEST_REQUEST && !head.ends_with(b"\r\n\r\n") {
        if connection.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.extend_from_slice(&byte);
    }
    Ok(Some(String::from_utf8_lossy(&head).into_owned()))
}

impl Drop for FaultyServer {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // One more connection wakes the listener, so that it notices the end.
        if TcpStream::connect_timeout(&self.address, Duration::from_secs(1)).is_ok()
            && let Some(listener) = self.listener.take()
        {
            let _ = listener.join();
        }
    }
}

impl fmt::Debug for FaultyServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyServer")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
