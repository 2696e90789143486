//! Where configuration files are looked for.

use std::io;
use std::path::{Path, PathBuf};

use kubex_core::{Error, ErrorKind, Host, Origin, Result};

use super::document;
use super::layer::Layer;

/// The variable that names one more file.
pub(super) const FILE_VARIABLE: &str = "KUBEX_CONFIG";

/// What a configuration file may be called. Only one of them may lie in a directory.
const NAMES: &[&str] = &["config.yaml", "config.yml", "config.toml"];

/// The files there are, the later ones winning: the machine's, the user's, and the one that `KUBEX_CONFIG` names.
/// The working directory is no place for one.
pub(super) async fn layers(host: &Host) -> Result<Vec<Layer>> {
    let mut layers = Vec::new();
    for directory in [of_the_machine(host), of_the_user(host)].into_iter().flatten() {
        let mut found: Option<(PathBuf, Layer)> = None;
        for name in NAMES {
            let path = directory.join(name);
            let Some(layer) = read(&path, host).await? else {
                continue;
            };
            if let Some((other, _)) = found {
                return Err(Error::new(
                    ErrorKind::DuplicateName,
                    format_args!(
                        "there are two configurations in one directory: {} and {name}",
                        shown(&other)
                    ),
                )
                .with_origin(&Origin::file(path))
                .with_help("remove one of them"));
            }
            found = Some((path, layer));
        }
        layers.extend(found.map(|(_, layer)| layer));
    }
    if let Some(path) = host
        .environment()
        .variable(FILE_VARIABLE)
        .filter(|path| !path.is_empty())
    {
        let path = PathBuf::from(path);
        let origin = Origin::variable(FILE_VARIABLE);
        if !path.is_absolute() {
            return Err(Error::new(
                ErrorKind::InvalidValue,
                "the path of the configuration is a relative one",
            )
            .with_origin(&origin)
            .with_help("write it in full, as no configuration is looked for in the working directory"));
        }
        layers.push(required(&path, host, &origin).await?);
    }
    Ok(layers)
}

/// A file that must be there; the origin is who says so.
pub(super) async fn required(path: &Path, host: &Host, named_by: &Origin) -> Result<Layer> {
    match read(path, host).await? {
        Some(layer) => Ok(layer),
        None => Err(
            Error::unreadable("the configuration", path, io::ErrorKind::NotFound.into())
                .with_origin(named_by),
        ),
    }
}

async fn read(path: &Path, host: &Host) -> Result<Option<Layer>> {
    match host.files().read(path, document::LARGEST_FILE).await {
        Ok(content) => Layer::file(document::parse(content, path)?).map(Some),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(Error::unreadable_at(
            "the configuration",
            &Origin::file(path),
            error,
        )),
    }
}

fn shown(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// `/etc/kubex`; on Windows `%PROGRAMDATA%\kubex`.
fn of_the_machine(host: &Host) -> Option<PathBuf> {
    if cfg!(windows) {
        return absolute(host, "PROGRAMDATA").map(|data| data.join("kubex"));
    }
    Some(PathBuf::from("/etc/kubex"))
}

/// `$XDG_CONFIG_HOME/kubex`, else `~/.config/kubex`; on macOS, without that variable,
/// `~/Library/Application Support/kubex`; on Windows `%APPDATA%\kubex`. A relative path in a variable is no place,
/// as the XDG Base Directory Specification wants it.
fn of_the_user(host: &Host) -> Option<PathBuf> {
    if cfg!(windows) {
        return absolute(host, "APPDATA").map(|data| data.join("kubex"));
    }
    let directory = absolute(host, "XDG_CONFIG_HOME").or_else(|| {
        let home = host.environment().home_directory()?;
        Some(if cfg!(target_os = "macos") {
            home.join("Library").join("Application Support")
        } else {
            home.join(".config")
        })
    })?;
    Some(directory.join("kubex"))
}

fn absolute(host: &Host, variable: &str) -> Option<PathBuf> {
    host.environment()
        .variable(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}
