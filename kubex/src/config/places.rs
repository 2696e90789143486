//! Finds the configuration files and reads them into layers.

use std::io;
use std::path::{Path, PathBuf};

use kubex_core::error::is_missing;
use kubex_core::host::{FileContent, FileKind, ForeignWriters};
use kubex_core::text::check_path;
use kubex_core::{Error, ErrorKind, Host, Origin, Result, Warning};

use super::layer::Layer;
use super::{document, other_file};

/// The variable that names one more file.
pub(super) const FILE_VARIABLE: &str = "KUBEX_CONFIG";

/// The names of a configuration file. A directory may contain only one of them.
const NAMES: &[&str] = &["config.yaml", "config.yml", "config.toml"];

/// A file that the program or the environment names, and the origin of that name.
pub(super) struct NamedFile {
    pub(super) path: PathBuf,
    pub(super) origin: Origin,
}

/// The layers of the files that exist: the machine's, the user's, and the named one, by default the one that
/// `KUBEX_CONFIG` names. Later layers win. The working directory is not searched.
pub(super) async fn layers(host: &Host, named: Option<NamedFile>) -> Result<Vec<Layer>> {
    let mut layers = Vec::new();
    let paths = searched(host);
    // All files in one call, so that only one blocking task is started.
    let contents = host
        .files()
        .read_each_stamped(&paths, document::LARGEST_FILE)
        .await;
    let mut files = paths.iter().zip(contents).peekable();
    while files.peek().is_some() {
        let mut found: Option<(&str, Layer)> = None;
        for (name, (path, content)) in NAMES.iter().zip(files.by_ref()) {
            let Some(layer) = layer(path, content, host)? else {
                continue;
            };
            if let Some((other, _)) = found {
                return Err(Error::new(
                    ErrorKind::DuplicateName,
                    format_args!("there are two configurations in one directory: {other} and {name}"),
                )
                .with_origin(&Origin::file(path))
                .with_help("remove one of them"));
            }
            found = Some((name, layer));
        }
        layers.extend(found.map(|(_, layer)| layer));
    }
    let named = match named {
        Some(named) => Some(named),
        None => file_of_variable(host)?,
    };
    if let Some(NamedFile { path, origin }) = named {
        check_path("the configuration's path", &path.to_string_lossy(), &origin)?;
        layers.push(required(&path, host, &origin).await?);
    }
    Ok(layers)
}

/// The possible paths of the machine's and the user's file, in order. At most one in each directory may exist.
pub(super) fn searched(host: &Host) -> Vec<PathBuf> {
    let directories = [machine_directory(host), user_directory(host)];
    let directories = directories.iter().flatten();
    directories
        .flat_map(|directory| NAMES.iter().map(|name| directory.join(name)))
        .collect()
}

/// The files that [`layers`] reads: those that exist, and the named one. A pipe is left out, because it can be read only once.
pub(super) async fn files(host: &Host, named: Option<&NamedFile>) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in searched(host) {
        if !matches!(host.files().kind(&path).await, Err(error) if is_missing(&error)) {
            files.push(path);
        }
    }
    let named = match named {
        Some(named) => Some(named.path.clone()),
        None => file_of_variable(host)?.map(|named| named.path),
    };
    if let Some(path) = named
        && !matches!(host.files().kind(&path).await, Ok(FileKind::Pipe))
    {
        files.push(path);
    }
    Ok(files)
}

/// The file that `KUBEX_CONFIG` names.
fn file_of_variable(host: &Host) -> Result<Option<NamedFile>> {
    let path = host.environment().variable(FILE_VARIABLE);
    let Some(path) = path.filter(|path| !path.is_empty()).map(PathBuf::from) else {
        return Ok(None);
    };
    let origin = Origin::variable(FILE_VARIABLE);
    check_path(FILE_VARIABLE, &path.to_string_lossy(), &origin)?;
    if !path.is_absolute() {
        return Err(Error::new(
            ErrorKind::InvalidValue,
            "the path of the configuration is relative",
        )
        .with_origin(&origin)
        .with_help("write an absolute path; the working directory is not searched"));
    }
    Ok(Some(NamedFile { path, origin }))
}

/// A file that must exist; `named_by` is the origin of its path.
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
    layer(
        path,
        host.files().read_stamped(path, document::LARGEST_FILE).await,
        host,
    )
}

/// The layer of a file's content; `None` if there is no such file.
fn layer(path: &Path, content: io::Result<FileContent>, host: &Host) -> Result<Option<Layer>> {
    match content {
        Ok(content) => {
            let origin = content.origin(path);
            let warning = match &content.foreign_writers {
                Some(writers) => Some(writable_by_others(writers, path, &origin, host)?),
                None => None,
            };
            let root = document::parse(content.bytes, origin)?;
            other_file::check(&root, path)?;
            let layer = Layer::from_file(root)?;
            Ok(Some(layer.with_warnings(warning.into_iter().collect())))
        }
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(Error::unreadable_at(
            "the configuration",
            &Origin::file(path),
            error,
        )),
    }
}

/// The warning about a file that other users can change.
///
/// # Errors
/// `Refused` for the machine's configuration: its rules for plugins bind every user.
fn writable_by_others(
    writers: &ForeignWriters,
    path: &Path,
    origin: &Origin,
    host: &Host,
) -> Result<Warning> {
    let is_of_machine = machine_directory(host).is_some_and(|directory| path.starts_with(directory));
    if is_of_machine {
        return Err(Error::new(
            ErrorKind::Refused,
            format_args!("the machine-wide configuration can be changed by others: {writers}"),
        )
        .with_origin(origin)
        .with_help("let only root write to the file and to its directory"));
    }
    let message = format_args!("the configuration can be changed by others: {writers}");
    Ok(Warning::new("writable-by-others", message).with_origin(origin))
}

/// `/etc/kubex`; on Windows `%PROGRAMDATA%\kubex`.
fn machine_directory(host: &Host) -> Option<PathBuf> {
    if cfg!(windows) {
        return absolute(host, "PROGRAMDATA").map(|data| data.join("kubex"));
    }
    Some(PathBuf::from("/etc/kubex"))
}

/// `$XDG_CONFIG_HOME/kubex`, else `~/.config/kubex`; on macOS, without that variable,
/// `~/Library/Application Support/kubex`; on Windows `%APPDATA%\kubex`. A relative path in a variable is ignored,
/// as the XDG Base Directory Specification requires.
fn user_directory(host: &Host) -> Option<PathBuf> {
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
