//! Finds the program of a command.
//!
//! A bare name is looked up in this program's own `PATH` before anything is started, and only in its absolute directories
//! ([`Host::look_up`]). The plugin's own variables do not matter. The file that was found is the one that runs; it is not
//! looked up again.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use kubex_core::error::is_missing;
use kubex_core::host::FileKind;
use kubex_core::text::clean_line;
use kubex_core::{Error, ErrorKind, Host, Origin, Result};

/// The Kubernetes documentation about plugins.
const DOCUMENTATION: &str =
    "https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins";

/// A plugin's command, as its options name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// A name, to be looked up in `PATH`.
    Name(String),
    /// A path. It is relative only if the file that contains the command has a relative path itself.
    Path(PathBuf),
}

impl Command {
    /// Reads a command with this origin.
    pub(crate) fn new(text: &str, origin: &Origin) -> Result<Self> {
        let invalid = |why: &str| Error::new(ErrorKind::InvalidValue, format_args!("the command {why}"));
        if text.is_empty() {
            return Err(invalid("is empty").with_help("set it to the plugin's name or path"));
        }
        if text.contains('\0') {
            return Err(invalid("contains a zero byte"));
        }
        if !text.contains(std::path::is_separator) {
            return Ok(Self::Name(text.to_owned()));
        }
        let path = Path::new(text);
        if path.is_absolute() {
            return Ok(Self::Path(path.to_owned()));
        }
        match origin.directory() {
            Some(directory) => Ok(Self::Path(directory.join(path))),
            None => Err(invalid(
                "is a relative path, but it is not set in a file to which it could be relative",
            )
            .with_help("set it to an absolute path")),
        }
    }

    /// The command as it is, for the plugin policy and for keys.
    pub(crate) fn as_os_str(&self) -> &OsStr {
        match self {
            Self::Name(name) => OsStr::new(name),
            Self::Path(path) => path.as_os_str(),
        }
    }

    /// Finds the program of the command.
    pub(crate) async fn find(&self, host: &Host) -> Result<PathBuf> {
        match self {
            Self::Name(name) => find_in_path(name, host).await,
            Self::Path(path) if path.is_absolute() => check(path, host).await,
            Self::Path(path) => match host.environment().current_directory() {
                Some(directory) => check(&directory.join(path), host).await,
                None => check(path, host).await,
            },
        }
    }
}

async fn find_in_path(name: &str, host: &Host) -> Result<PathBuf> {
    let found = host.look_up(name).await;
    if let Some(program) = found.program {
        return Ok(program);
    }
    if let Some(candidate) = found.not_executable {
        return Err(not_executable(&candidate));
    }
    let shown = clean_line(name);
    let why = if !found.has_path {
        "PATH is not set"
    } else if found.has_skipped_entries {
        "it is not in any directory of PATH; relative and empty entries of PATH are not searched"
    } else {
        "it is not in any directory of PATH"
    };
    Err(not_found(&format!("exec plugin {shown} not found: {why}")))
}

async fn check(path: &Path, host: &Host) -> Result<PathBuf> {
    let shown = path.to_string_lossy();
    let shown = clean_line(&shown);
    match host.files().kind(path).await {
        Ok(FileKind::Regular { executable: true }) => Ok(path.to_owned()),
        Ok(FileKind::Regular { .. }) => Err(not_executable(path)),
        Ok(FileKind::Directory) => Err(not_a_program(&format!("exec plugin {shown} is a directory"))
            .with_help("set the command to the path of a program in that directory")),
        Ok(_) => Err(not_a_program(&format!(
            "exec plugin {shown} is a pipe or a device, not a program"
        ))),
        Err(error) if is_missing(&error) => Err(not_found(&format!("exec plugin {shown} not found"))),
        Err(error) => {
            let why = match error.kind() {
                io::ErrorKind::PermissionDenied => "permission denied",
                _ => "the system cannot access it",
            };
            Err(not_a_program(&format!("exec plugin {shown} cannot be accessed: {why}")).with_source(error))
        }
    }
}

fn not_found(message: &str) -> Error {
    Error::new(ErrorKind::PluginNotFound, message).with_help(format_args!(
        "install the plugin, or correct the command; see {DOCUMENTATION}"
    ))
}

fn not_executable(path: &Path) -> Error {
    let shown = path.to_string_lossy();
    let shown = clean_line(&shown);
    not_a_program(&format!("exec plugin {shown} is not executable")).with_help("make it executable: chmod +x")
}

fn not_a_program(message: &str) -> Error {
    Error::new(ErrorKind::PluginNotExecutable, message)
}

#[cfg(all(test, unix))]
mod tests {
    use kubex_core::host::SimulatedHost;

    use super::*;

    fn world(path: &str) -> SimulatedHost {
        let world = SimulatedHost::new();
        world.set_variable("PATH", path);
        world
    }

    async fn find(command: &str, world: &SimulatedHost) -> Result<PathBuf> {
        Command::new(command, &Origin::file("/home/jane/.kube/config").key("command"))?
            .find(&world.host())
            .await
    }

    #[tokio::test]
    async fn a_bare_name_is_looked_up_in_absolute_directories_only() {
        let world = world(".::bin:/a/../b:/usr/bin");
        for planted in ["./aws", "aws", "/aws", "bin/aws", "/bin/aws"] {
            world.install_program(planted);
        }
        let error = find("aws", &world).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PluginNotFound);
        assert!(error.message().contains("relative"), "{error}");

        world.install_program("/usr/bin/aws");
        assert_eq!(find("aws", &world).await.unwrap(), Path::new("/usr/bin/aws"));
    }

    #[tokio::test]
    async fn the_first_executable_in_path_wins() {
        let world = world("/one:/two:/three:/four");
        world.write("/one/aws", "not a program");
        world.write("/two/aws/README", "a directory of that name");
        world.install_program("/three/aws");
        world.install_program("/four/aws");
        assert_eq!(find("aws", &world).await.unwrap(), Path::new("/three/aws"));

        world.remove("/three");
        world.remove("/four");
        let error = find("aws", &world).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PluginNotExecutable);
        assert!(error.message().contains("/one/aws"), "{error}");

        world.remove("/one");
        assert_eq!(
            find("aws", &world).await.unwrap_err().kind(),
            ErrorKind::PluginNotFound
        );
    }

    #[tokio::test]
    async fn a_path_is_relative_to_the_file_it_is_written_in() {
        let world = world("/usr/bin");
        world.install_program("/usr/bin/plugin");
        world.install_program("/home/jane/.kube/bin/plugin");
        world.install_program("/opt/plugin");
        let found = find("bin/plugin", &world).await.unwrap();
        assert_eq!(found, Path::new("/home/jane/.kube/bin/plugin"));
        assert_eq!(
            find("/opt/plugin", &world).await.unwrap(),
            Path::new("/opt/plugin")
        );
        assert_eq!(
            find("./plugin", &world).await.unwrap_err().kind(),
            ErrorKind::PluginNotFound
        );

        let error = Command::new("./plugin", &Origin::code()).unwrap_err();
        assert_eq!(error.help(), Some("set it to an absolute path"));
    }

    #[tokio::test]
    async fn a_file_with_a_relative_path_is_taken_from_the_working_directory() {
        let world = world("");
        world.install_program("/conf/plugin");
        let command = Command::new("./plugin", &Origin::file("conf/config")).unwrap();
        let found = command.find(&world.host()).await.unwrap();
        assert_eq!(found, Path::new("/conf/plugin"));
        let bare = Command::new("./conf/plugin", &Origin::file("config")).unwrap();
        assert_eq!(bare.find(&world.host()).await.unwrap(), Path::new("/conf/plugin"));
    }

    #[tokio::test]
    async fn each_reason_why_a_program_cannot_run_has_its_own_error() {
        let world = world("");
        world.write("/d/file", "text");
        world.fail("/locked", io::ErrorKind::PermissionDenied);
        for (command, kind, said) in [
            ("/nothing", ErrorKind::PluginNotFound, "not found"),
            ("/d", ErrorKind::PluginNotExecutable, "is a directory"),
            ("/d/file", ErrorKind::PluginNotExecutable, "is not executable"),
            ("/locked", ErrorKind::PluginNotExecutable, "permission denied"),
            ("bare", ErrorKind::PluginNotFound, "PATH is not set"),
            ("", ErrorKind::InvalidValue, "is empty"),
        ] {
            let error = find(command, &world).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{command}");
            assert!(error.message().contains(said), "{command}: {error}");
        }
    }

    #[tokio::test]
    async fn a_name_from_outside_is_cleaned() {
        let error = find("a\u{1b}]8;;x\u{7}\u{202e}", &world("/bin"))
            .await
            .unwrap_err();
        assert!(!error.to_string().contains(['\u{1b}', '\u{7}', '\u{202e}']));
    }
}
