//! The world of one case: a directory of its own, an API server, proxies, and an environment.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use kubex_tests::api_server::{ApiServer, RecordedRequest};
use kubex_tests::proxy::{Proxy, ProxyKind, Tunnel};
use tempfile::TempDir;

use super::case::{Case, File, Form, NoFile, SpecialFile};
use super::words::Words;

/// Where the service account is mounted in every case.
pub const MOUNT: &str = "serviceaccount";

pub struct World {
    _directory: TempDir,
    pub server: ApiServer,
    pub proxies: Proxies,
    pub words: Words,
    /// The whole environment, but for the pod's variables.
    pub environment: BTreeMap<String, String>,
    /// The pod's variables, where one is around.
    pub pod: BTreeMap<String, String>,
}

/// One of each kind; their tunnels lead to the API server.
pub struct Proxies {
    pub http: Proxy,
    pub https: Proxy,
    pub socks5: Proxy,
}

impl Proxies {
    fn each(&self) -> [(&'static str, &Proxy); 3] {
        [
            ("http", &self.http),
            ("https", &self.https),
            ("socks5", &self.socks5),
        ]
    }

    /// What was asked of any of them, with its kind.
    pub fn tunnels(&self) -> Vec<(&'static str, Tunnel)> {
        let of_each = self.each();
        let tunnels = of_each.into_iter().map(|(kind, proxy)| (kind, proxy.tunnels()));
        tunnels
            .flat_map(|(kind, tunnels)| tunnels.into_iter().map(move |tunnel| (kind, tunnel)))
            .collect()
    }
}

impl World {
    /// Makes the world of a case.
    pub async fn of(case: &Case) -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("conformance-").tempdir()?;
        let server = api_server(case).await?;
        let proxies = Proxies {
            http: Proxy::start(ProxyKind::Http, server.address()).await?,
            https: Proxy::start(ProxyKind::Https, server.address()).await?,
            socks5: Proxy::start(ProxyKind::Socks5, server.address()).await?,
        };
        let words = Words::new(
            directory.path().canonicalize()?.to_string_lossy().into_owned(),
            server.url().to_owned(),
            Proxy::start(ProxyKind::Http, server.address())
                .await?
                .ca_pem()
                .to_owned(),
            case.file.server.refuses.clone(),
        );
        let mut world = Self {
            _directory: directory,
            server,
            proxies,
            words,
            environment: BTreeMap::new(),
            pod: BTreeMap::new(),
        };
        world.fill(case)?;
        Ok(world)
    }

    fn fill(&mut self, case: &Case) -> io::Result<()> {
        if case.is_in_a_pod() {
            self.add_pod()?;
        }
        std::fs::create_dir_all(self.path("home/.kube"))?;
        self.copy(&case.folder, Path::new(""))?;
        if let Some(text) = &case.file.kubeconfig {
            self.write("home/.kube/config", self.text(text).as_bytes(), 0o600)?;
        }
        for (path, file) in &case.file.files {
            self.add(path, file)?;
        }
        self.environment
            .insert("HOME".to_owned(), self.text("{dir}/home"));
        self.environment
            .insert("PATH".to_owned(), "/usr/bin:/bin".to_owned());
        for (name, value) in &case.file.environment {
            match value {
                Some(value) => self.environment.insert(name.clone(), self.text(value)),
                None => self.environment.remove(name),
            };
        }
        Ok(())
    }

    fn add_pod(&mut self) -> io::Result<()> {
        for (file, text) in [
            ("token", "{token:pod}"),
            ("ca.crt", "{ca-pem}"),
            ("namespace", "of-the-pod"),
        ] {
            self.write(&format!("{MOUNT}/{file}"), self.text(text).as_bytes(), 0o600)?;
        }
        let port = self.text("{port}");
        for (name, value) in [
            ("KUBERNETES_SERVICE_HOST", "127.0.0.1"),
            ("KUBERNETES_SERVICE_PORT", &port),
        ] {
            self.pod.insert(name.to_owned(), value.to_owned());
        }
        Ok(())
    }

    /// Copies the files that lie in the case's folder, placeholders filled in.
    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        for entry in std::fs::read_dir(from)? {
            let path = entry?.path();
            let Some(name) = path.file_name().filter(|name| *name != "case.yaml") else {
                continue;
            };
            let to = to.join(name);
            if path.is_dir() {
                self.copy(&path, &to)?;
                continue;
            }
            let content = std::fs::read_to_string(&path)?;
            let mode = std::fs::metadata(&path)?.permissions().mode();
            self.write(&to.to_string_lossy(), self.text(&content).as_bytes(), mode)?;
        }
        Ok(())
    }

    fn add(&self, path: &str, file: &File) -> io::Result<()> {
        let special = match file {
            File::Text(text) => return self.write(path, self.text(text).as_bytes(), 0o600),
            File::Special(special) => special,
        };
        let target = self.path(path);
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent)?;
        }
        match special {
            SpecialFile::Script(text) => {
                let script = format!("#!/bin/sh\n{}", self.text(text));
                self.write(path, script.as_bytes(), 0o755)
            }
            SpecialFile::Link(to) => std::os::unix::fs::symlink(self.text(to), target),
            SpecialFile::Make(NoFile::Directory) => std::fs::create_dir_all(target),
            SpecialFile::Encoded { text, form } => self.write(path, &encode(&self.text(text), *form), 0o600),
            SpecialFile::Make(NoFile::Pipe) => {
                let made = std::process::Command::new("mkfifo").arg(target).status()?;
                if made.success() {
                    Ok(())
                } else {
                    Err(io::Error::other("mkfifo failed"))
                }
            }
            SpecialFile::Hole(length) => std::fs::File::create(target)?.set_len(*length),
        }
    }

    fn write(&self, path: &str, content: &[u8], mode: u32) -> io::Result<()> {
        let path = self.path(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&path, content)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))
    }

    pub fn path(&self, path: &str) -> PathBuf {
        Path::new(&self.words.dir).join(path)
    }

    /// The text with its placeholders filled in.
    pub fn text(&self, text: &str) -> String {
        self.words.fill(text, &self.server, &self.proxies)
    }

    /// The requests that arrived at the path that was asked for, or below a prefix of it.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        let mut requests = self.server.requests();
        requests.retain(|request| request.path.ends_with("/version"));
        requests
    }
}

async fn api_server(case: &Case) -> io::Result<ApiServer> {
    let described = &case.file.server;
    let mut builder = ApiServer::builder().allow_anonymous(described.anonymous);
    if let Some(host) = &described.host {
        builder = builder.host_name(host).also_named(host);
    }
    for name in &described.named {
        builder = builder.also_named(name);
    }
    if let Some(name) = &described.only_named {
        builder = builder.only_named(name);
    }
    if described.plain {
        builder = builder.plain_http();
    }
    builder.start().await
}

fn encode(text: &str, form: Form) -> Vec<u8> {
    let utf16 = |to_bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        let marked = std::iter::once(0xfeff).chain(text.encode_utf16());
        marked.flat_map(to_bytes).collect()
    };
    match form {
        Form::Utf8WithMark => format!("\u{feff}{text}").into_bytes(),
        Form::Utf16LittleEndian => utf16(u16::to_le_bytes),
        Form::Utf16BigEndian => utf16(u16::to_be_bytes),
        Form::CarriageReturns => text.replace('\n', "\r\n").into_bytes(),
        // Every letter of it is below 256.
        Form::Latin1 => text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect(),
    }
}
