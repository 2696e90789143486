//! A plugin that is a real script, and one that is only simulated.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kubex::host::{Exit, PluginRules, ProcessOutput};
use kubex::{Chain, Credential, Credentials, Error, ExposeSecret as _, Host, Options, Result, Source};
use kubex_core::host::SimulatedHost;
use kubex_tests::machine::patience;

/// A directory with a plugin in it, which notes each of its runs.
pub(crate) struct Plugin {
    directory: tempfile::TempDir,
}

impl Plugin {
    /// The script finds the number of its run in `$run` and answers with `answer TOKEN [EXPIRY]`.
    pub(crate) fn new(script: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let runs = directory.path().join("runs");
        let text = format!(
            "#!/bin/sh\necho $$ >> {runs}\nrun=$(wc -l < {runs})\n\
             answer() {{ printf '{{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\
             \"status\":{{\"token\":\"%s\",\"expirationTimestamp\":%s}}}}' \"$1\" \"${{2:-null}}\"; }}\n\
             note() {{ echo $1 >> {runs}; }}\n{script}\n",
            runs = runs.display()
        );
        let plugin = Self { directory };
        plugin.install("plugin", text.as_bytes(), 0o755);
        plugin
    }

    /// Puts another file beside it.
    pub(crate) fn install(&self, name: &str, content: &[u8], mode: u32) -> PathBuf {
        let path = self.directory().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory().join("plugin")
    }

    /// The process ids of its runs, and what else it noted.
    pub(crate) fn runs(&self) -> Vec<u32> {
        let runs = fs::read_to_string(self.directory().join("runs")).unwrap_or_default();
        runs.lines().map(|id| id.trim().parse().unwrap()).collect()
    }

    /// Credentials of this plugin, with a deadline short enough for a test.
    pub(crate) async fn credentials(&self, deadline: Duration) -> Credentials {
        let rules = PluginRules::new()
            .deadline(deadline)
            .kill_grace(patience(Duration::from_millis(300)));
        self.credentials_by(rules).await
    }

    pub(crate) async fn credentials_by(&self, rules: PluginRules) -> Credentials {
        credentials_of(&self.path(), Host::real().with_plugin_rules(rules)).await
    }
}

pub(crate) async fn credentials_of(command: &Path, host: Host) -> Credentials {
    let options = Options::new().set("command", command.to_str().unwrap());
    credentials_with(options, host).await.unwrap()
}

pub(crate) async fn credentials_with(options: Options, host: Host) -> Result<Credentials> {
    let chain = Chain::builder(kubex::registry().unwrap())
        .host(host)
        .source(
            Source::new("cloud")
                .provider("exec")
                .options(options.set("server", "https://10.0.0.1")),
        )
        .build()
        .unwrap();
    Ok(chain.resolve().await?.credentials().clone())
}

/// A time so many milliseconds from now, as a JSON string for a script.
pub(crate) fn in_millis(millis: u64) -> String {
    let at = kubex::time::rfc3339(std::time::SystemTime::now() + Duration::from_millis(millis));
    format!("'\"{at}\"'")
}

pub(crate) fn token_of(credential: &Credential) -> &str {
    credential.token().unwrap().expose_secret()
}

pub(crate) async fn token(credentials: &Credentials) -> String {
    token_of(&credentials.current().await.unwrap()).to_owned()
}

pub(crate) fn is_running(id: u32) -> bool {
    // A zombie has ended; it only waits to be collected.
    let status = fs::read_to_string(Path::new("/proc").join(id.to_string()).join("stat")).unwrap_or_default();
    !status.is_empty() && !status.contains(") Z")
}

/// Waits at most two seconds for each process to be gone.
pub(crate) async fn wait_until_gone(ids: &[u32]) {
    assert!(!ids.is_empty(), "nothing was started");
    for id in ids {
        let begun = Instant::now();
        while is_running(*id) && begun.elapsed() < patience(Duration::from_secs(2)) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(!is_running(*id), "process {id} is still running");
    }
}

/// A world with the plugin `cloud`, which always prints this.
pub(crate) fn world(printed: &str) -> SimulatedHost {
    world_that_says(Exit::Status(0), printed, "")
}

pub(crate) fn world_that_says(exit: Exit, printed: &str, said: &str) -> SimulatedHost {
    let world = SimulatedHost::new();
    world.set_variable("PATH", "/usr/bin");
    world.install_program("/usr/bin/cloud");
    let (printed, said) = (printed.as_bytes().to_vec(), said.as_bytes().to_vec());
    world.run_processes(move |_| {
        Ok(ProcessOutput {
            exit,
            output: printed.clone().into(),
            error: said.clone().into(),
        })
    });
    world
}

pub(crate) async fn simulated(world: &SimulatedHost) -> Credentials {
    credentials_of(Path::new("cloud"), world.host()).await
}

/// What asking once gives.
pub(crate) async fn printing(printed: &str) -> Result<Arc<Credential>> {
    simulated(&world(printed)).await.current().await
}

/// An answer with this status.
pub(crate) fn answer(status: &str) -> String {
    format!(r#"{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{status}}}"#)
}

/// Everything that an error shows.
pub(crate) fn shown(error: &Error) -> String {
    let mut shown = format!("{error} {error:?} {error:#?}");
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        shown.push_str(&format!(" {next} {next:?}"));
        cause = next.source();
    }
    shown
}
