//! A plain HTTP server on 127.0.0.1 in place of the metadata service and of App Service.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What the stand-in got: the request line, and the headers that a managed identity needs.
pub(crate) type Requests = Arc<Mutex<Vec<String>>>;

/// A server whose answer can change.
#[derive(Debug)]
pub(crate) struct StandIn {
    pub(crate) address: String,
    pub(crate) requests: Requests,
    /// Status and body; a status of 0 is silence.
    answer: Arc<Mutex<(u16, String)>>,
}

impl StandIn {
    /// Starts a server that answers every request so.
    pub(crate) fn start(status: u16, body: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stand_in = Self {
            address: format!("http://{}", listener.local_addr().unwrap()),
            requests: Requests::default(),
            answer: Arc::new(Mutex::new((status, body))),
        };
        let (log, answer) = (Arc::clone(&stand_in.requests), Arc::clone(&stand_in.answer));
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                log.lock().unwrap().push(read(&stream));
                let (status, body) = answer.lock().unwrap().clone();
                if status == 0 {
                    silent.push(stream);
                    continue;
                }
                let head = format!(
                    "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(format!("{head}{body}").as_bytes());
            }
        });
        stand_in
    }

    /// Answers so from now on.
    pub(crate) fn answer(&self, status: u16, body: String) {
        *self.answer.lock().unwrap() = (status, body);
    }
}

/// Starts a server that answers every request so, and returns its address.
pub(crate) fn start(status: u16, body: String) -> (String, Requests) {
    let stand_in = StandIn::start(status, body);
    (stand_in.address, stand_in.requests)
}

/// Reads the request line, and the headers that a managed identity needs.
fn read(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    let _ = reader.read_line(&mut line);
    let mut request = line.trim().trim_end_matches(" HTTP/1.1").to_owned();
    let mut headers = Vec::new();
    loop {
        line.clear();
        if reader.read_line(&mut line).unwrap_or(0) < 3 {
            break;
        }
        let header = line.trim().to_ascii_lowercase();
        if header.starts_with("metadata:") || header.starts_with("x-identity-header:") {
            headers.push(header);
        }
    }
    headers.sort();
    for header in headers {
        request.push(' ');
        request.push_str(&header);
    }
    request
}

/// The answer with this token, which lives for this long.
pub(crate) fn issued(token: &str, lifetime: Duration) -> String {
    issued_until(token, SystemTime::now() + lifetime)
}

/// The answer with this token, which expires then.
pub(crate) fn issued_until(token: &str, expiry: SystemTime) -> String {
    let expiry = expiry.duration_since(UNIX_EPOCH).unwrap().as_secs();
    // Some tokens of the suite contain what JSON escapes.
    serde_json::json!({
        "access_token": token,
        "client_id": "c",
        "expires_in": "86399",
        "expires_on": expiry.to_string(),
        "not_before": "0",
        "resource": "r",
        "token_type": "Bearer",
    })
    .to_string()
}
