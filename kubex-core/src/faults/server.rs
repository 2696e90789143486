//! A server that answers as it is told, right or wrong.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a connection may stay silent before the server lets it go.
const PATIENCE: Duration = Duration::from_secs(30);

/// The largest request that is read.
const LARGEST_REQUEST: usize = 64 * 1024;

/// How a [`FaultyServer`] answers one request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// With this status and this text.
    Status(u16, String),
    /// With something that is no HTTP.
    Garbage,
    /// With half of an answer, and then with the end of the connection.
    CutShort,
    /// With the end of the connection.
    Closes,
    /// Not at all, until the client goes away.
    Hangs,
    /// With so many bytes, of which no end was announced.
    Floods(usize),
}

/// A plain HTTP/1.1 server on 127.0.0.1, for providers that ask one. It plays replies, one a connection, the
/// last one over and over, and ends when it is dropped.
pub struct FaultyServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

struct Shared {
    replies: Mutex<VecDeque<Reply>>,
    requests: AtomicUsize,
    is_over: AtomicBool,
}

impl FaultyServer {
    /// Starts a server that plays these; without any, it hangs.
    ///
    /// # Errors
    /// As the system says when no port is to be had.
    pub fn playing(replies: impl IntoIterator<Item = Reply>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            replies: Mutex::new(replies.into_iter().collect()),
            requests: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        let listener = std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                if serving.is_over.load(Ordering::SeqCst) {
                    return;
                }
                let serving = Arc::clone(&serving);
                // Whoever goes away in the middle is what this server is for.
                std::thread::spawn(move || drop(serving.answer(connection)));
            }
        });
        Ok(Self {
            address,
            shared,
            listener: Some(listener),
        })
    }

    /// Its URL, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many requests have arrived.
    pub fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn next(&self) -> Reply {
        let mut replies = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
        if replies.len() > 1 {
            replies.pop_front().unwrap_or(Reply::Hangs)
        } else {
            replies.front().cloned().unwrap_or(Reply::Hangs)
        }
    }

    fn answer(&self, mut connection: TcpStream) -> io::Result<()> {
        connection.set_read_timeout(Some(PATIENCE))?;
        connection.set_write_timeout(Some(PATIENCE))?;
        if !read_head(&mut connection)? {
            return Ok(());
        }
        self.requests.fetch_add(1, Ordering::SeqCst);
        match self.next() {
            Reply::Status(status, text) => write!(
                connection,
                "HTTP/1.1 {status} As Told\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
                text.len()
            ),
            Reply::Garbage => connection.write_all(b"\x16\x03\x01 this is no HTTP\r\n\r\n"),
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

/// Reads to the empty line that ends a request's head; says whether one came.
fn read_head(connection: &mut TcpStream) -> io::Result<bool> {
    let mut head = Vec::new();
    let mut byte = [0];
    while head.len() < LARGEST_REQUEST && !head.ends_with(b"\r\n\r\n") {
        if connection.read(&mut byte)? == 0 {
            return Ok(false);
        }
        head.extend_from_slice(&byte);
    }
    Ok(true)
}

impl Drop for FaultyServer {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // One more connection wakes the listener, which then sees that it is over.
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
