//! A plain HTTP server on 127.0.0.1 in place of the metadata service and of App Service.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What the stand-in got: the request line, and the headers that a managed identity needs.
pub(crate) type Requests = Arc<Mutex<Vec<String>>>;

/// Starts a server that answers every request so, and returns its address.
pub(crate) fn start(status: u16, body: String) -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let requests = Requests::default();
    let log = Arc::clone(&requests);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut reader = BufReader::new(stream.try_clone().unwrap());
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
            log.lock().unwrap().push(request);
            let head = format!(
                "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    (address, requests)
}

/// The answer with this token, which lives for this long.
pub(crate) fn issued(token: &str, lifetime: Duration) -> String {
    let expiry = SystemTime::now() + lifetime;
    let expiry = expiry.duration_since(UNIX_EPOCH).unwrap().as_secs();
    format!(
        r#"{{"access_token": "{token}", "client_id": "c", "expires_in": "{}", "expires_on": "{expiry}",
            "not_before": "0", "resource": "r", "token_type": "Bearer"}}"#,
        lifetime.as_secs()
    )
}
