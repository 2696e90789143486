//! The placeholders of case files: what is known only once the case's server runs, and every secret.
//!
//! | placeholder | is |
//! |---|---|
//! | `{dir}` | the case's directory |
//! | `{server}`, `{port}` | the API server's URL and its port |
//! | `{ca}`, `{ca-pem}`, `{ca-lines}` | its authority: base64, PEM, base64 in lines |
//! | `{other-ca}`, `{other-ca-pem}` | an authority that signed nothing here |
//! | `{http-proxy}`, `{https-proxy}`, `{socks5-proxy}` | `host:port` of a proxy that leads to the API server |
//! | `{https-proxy-and-server-ca}` | the authorities of both, base64 |
//! | `{token:NAME}` | a token of the user NAME |
//! | `{jwt:NAME}`, `{expired-jwt:NAME}` | the same as a JWT that is valid for an hour, or was until an hour ago |
//! | `{password:NAME}` | the password of the user NAME |
//! | `{certificate:NAME}`, `{certificate-pem:NAME}` | a client certificate of the user NAME: base64, PEM |
//! | `{key:NAME}`, `{key-pem:NAME}` | its key |
//! | `{foreign-certificate:NAME}`, `{foreign-key:NAME}` | the same of an authority that the server does not know |
//! | `{secret:NAME}` | a secret that is not a credential |
//! | `{levels}` | 20,000 brackets, one in the other |
//! | `{note}` | in a plugin: notes the run and what it was told |
//!
//! Lines of a placeholder that has several are indented as the line it stands in.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use kubex_tests::api_server::{ApiServer, ClientCertificatePem, User};

use super::world::Proxies;

/// What begins every secret text, so that a part of one gives it away too.
const MARKER: &str = "s3cr3t";

/// The placeholders of one case's world, and the secrets that were handed out.
pub struct Words {
    pub dir: String,
    pub server_url: String,
    pub other_ca: String,
    refused: Vec<String>,
    issued: Mutex<Issued>,
}

#[derive(Default)]
struct Issued {
    tokens: BTreeMap<String, String>,
    passwords: BTreeMap<String, String>,
    certificates: BTreeMap<String, ClientCertificatePem>,
    others: Vec<String>,
}

impl Words {
    pub fn new(dir: String, server_url: String, other_ca: String, refused: Vec<String>) -> Self {
        Self {
            dir,
            server_url,
            other_ca,
            refused,
            issued: Mutex::default(),
        }
    }

    /// The text with every placeholder filled in.
    ///
    /// # Panics
    /// On a placeholder that there is none of.
    pub fn fill(&self, text: &str, server: &ApiServer, proxies: &Proxies) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find('{') {
            let (before, from_brace) = rest.split_at(start);
            filled.push_str(before);
            if let Some(name) = placeholder(from_brace).filter(|_| !filled.ends_with('$')) {
                let value = self
                    .value(name, server, proxies)
                    .unwrap_or_else(|| panic!("there is no placeholder {{{name}}}"));
                let line = filled.rsplit('\n').next().unwrap_or_default();
                let indent: String = line.chars().take_while(|c| *c == ' ').collect();
                filled.push_str(&value.trim_end().replace('\n', &format!("\n{indent}")));
                rest = &from_brace[name.len() + 2..];
            } else {
                filled.push('{');
                rest = &from_brace[1..];
            }
        }
        filled + rest
    }

    fn value(&self, name: &str, server: &ApiServer, proxies: &Proxies) -> Option<String> {
        let base64 = |text: &str| BASE64_STANDARD.encode(text);
        if let Some((kind, name)) = name.split_once(':') {
            let certificate = |is_foreign| self.certificate(name, is_foreign, server);
            return Some(match kind {
                "token" => self.token(kind, name, server, || text_secret("token", name)),
                "jwt" => self.token(kind, name, server, || jwt(name, 3600)),
                "expired-jwt" => self.token(kind, name, server, || jwt(name, -3600)),
                "password" => self.password(name, server),
                "certificate" => base64(&certificate(false).certificate),
                "certificate-pem" => certificate(false).certificate,
                "key" => base64(&certificate(false).key),
                "key-pem" => certificate(false).key,
                "foreign-certificate" => base64(&certificate(true).certificate),
                "foreign-key" => base64(&certificate(true).key),
                "secret" => {
                    let secret = text_secret("other", name);
                    self.issued().others.push(secret.clone());
                    secret
                }
                _ => return None,
            });
        }
        Some(match name {
            "dir" => self.dir.clone(),
            "server" => self.server_url.clone(),
            "port" => server.address().port().to_string(),
            "ca" => base64(server.ca_pem().trim_end()),
            "ca-pem" => server.ca_pem(),
            "ca-lines" => in_lines(&base64(&server.ca_pem())),
            "other-ca" => base64(&self.other_ca),
            "other-ca-pem" => self.other_ca.clone(),
            "http-proxy" => proxies.http.authority(),
            "https-proxy" => proxies.https.authority(),
            "socks5-proxy" => proxies.socks5.authority(),
            "https-proxy-and-server-ca" => base64(&(server.ca_pem() + proxies.https.ca_pem())),
            "levels" => "[".repeat(20_000) + &"]".repeat(20_000),
            "note" => {
                "echo run >> {dir}/plugin-runs; printf '%s' \"$KUBERNETES_EXEC_INFO\" > {dir}/exec-info"
                    .replace("{dir}", &self.dir)
            }
            _ => return None,
        })
    }

    fn token(&self, kind: &str, name: &str, server: &ApiServer, make: impl FnOnce() -> String) -> String {
        let mut issued = self.issued();
        let token = issued.tokens.entry(format!("{kind}:{name}")).or_insert_with(make);
        if !self.refused.iter().any(|refused| refused == name) {
            server.accept_token(token.clone(), User::new(name));
        }
        token.clone()
    }

    fn password(&self, name: &str, server: &ApiServer) -> String {
        let mut issued = self.issued();
        let password = issued
            .passwords
            .entry(name.to_owned())
            .or_insert_with(|| text_secret("password", name));
        server.accept_basic(name, password.clone(), User::new(name));
        password.clone()
    }

    fn certificate(&self, name: &str, is_foreign: bool, server: &ApiServer) -> ClientCertificatePem {
        let mut issued = self.issued();
        let issue = || {
            if is_foreign {
                server.issue_foreign_client_certificate(name, &[])
            } else {
                server.issue_client_certificate(name, &[])
            }
        };
        let key = format!("{is_foreign}:{name}");
        issued.certificates.entry(key).or_insert_with(issue).clone()
    }

    fn issued(&self) -> std::sync::MutexGuard<'_, Issued> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An `Authorization` header by the names of what is in it: `bearer jane`, `basic jane`.
    pub fn read_authorization(&self, header: Option<&str>) -> String {
        let Some(header) = header else {
            return "none".to_owned();
        };
        let issued = self.issued();
        if let Some(token) = header.strip_prefix("Bearer ") {
            let found = issued.tokens.iter().find(|(_, known)| *known == token);
            let name = found.and_then(|(name, _)| name.split_once(':'));
            return name.map_or_else(
                || format!("unknown: {header}"),
                |(_, name)| format!("bearer {name}"),
            );
        }
        let decoded = header
            .strip_prefix("Basic ")
            .and_then(|encoded| BASE64_STANDARD.decode(encoded).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let pair = decoded.as_deref().and_then(|pair| pair.split_once(':'));
        match pair {
            Some((name, password)) if issued.passwords.get(name).is_some_and(|known| known == password) => {
                format!("basic {name}")
            }
            _ => format!("unknown: {header}"),
        }
    }

    /// The user of a proxy, by name: `jane`, where the password is that of the placeholder.
    pub fn read_proxy_credentials(&self, credentials: &str) -> String {
        let pair = credentials.split_once(':');
        match pair {
            Some((name, password))
                if self
                    .issued()
                    .passwords
                    .get(name)
                    .is_some_and(|known| known == password) =>
            {
                name.to_owned()
            }
            _ => format!("unknown: {credentials}"),
        }
    }

    /// What of a secret must not show in anything: the marker, also in base64, and every line of a key.
    pub fn traces(&self) -> Vec<String> {
        let issued = self.issued();
        let mut traces = vec![MARKER.to_owned()];
        // Base64 of a text that has the marker at any of the three alignments.
        for padding in 0..3 {
            let encoded = BASE64_STANDARD.encode(format!("{}{MARKER}", "x".repeat(padding)));
            let whole = encoded.trim_end_matches('=');
            traces.push(whole[padding + usize::from(padding > 0)..whole.len() - 1].to_owned());
        }
        for token in issued.tokens.values() {
            traces.push(
                token
                    .chars()
                    .rev()
                    .take(16)
                    .collect::<Vec<_>>()
                    .into_iter()
                    .rev()
                    .collect(),
            );
        }
        for pair in issued.certificates.values() {
            let body = pair.key.lines().filter(|line| !line.starts_with("-----"));
            traces.extend(body.map(str::to_owned));
            let encoded = BASE64_STANDARD.encode(&pair.key);
            // Past the head, which every key has.
            traces.push(encoded.chars().skip(120).take(24).collect());
        }
        traces
    }

    /// How many secrets the case has.
    pub fn secrets(&self) -> usize {
        let issued = self.issued();
        issued.tokens.len() + issued.passwords.len() + issued.certificates.len() + issued.others.len()
    }
}

/// The name in front of the closing brace, where it looks like one of a placeholder.
fn placeholder(text: &str) -> Option<&str> {
    let name = text[1..].split_once('}')?.0;
    let is_name = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == ':');
    is_name.then_some(name)
}

fn text_secret(kind: &str, name: &str) -> String {
    format!("{MARKER}-{kind}-of-{name}-{:x}", chance())
}

/// Something that is another every time.
fn chance() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0_u8)
}

fn jwt(name: &str, seconds_from_now: i64) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |age| age.as_secs().cast_signed());
    let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    let claims = format!(r#"{{"sub":"{name}","exp":{}}}"#, now + seconds_from_now);
    format!(
        "{}.{}.{}",
        encode(r#"{"alg":"none"}"#),
        encode(&claims),
        encode(&text_secret("signature", name))
    )
}

fn in_lines(text: &str) -> String {
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .filter_map(|line| std::str::from_utf8(line).ok())
        .collect();
    lines.join("\n")
}
