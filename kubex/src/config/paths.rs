//! Expands the paths of a configuration: `~`, `${VAR}`, and paths relative to the file that contains them.

use std::path::{Path, PathBuf, is_separator};

use kubex_core::origin::Place;
use kubex_core::text::{check_path, clean_line};
use kubex_core::{Error, ErrorKind, Host, Origin, Result};

/// The path with `~` and variables expanded. A relative one starts at the directory of the file that contains it.
///
/// # Errors
/// `InvalidValue` for a variable that is not set, `~` without a home directory, and a relative path in a variable or in
/// a file that came from a pipe.
pub(super) fn path(written: &str, origin: &Origin, host: &Host) -> Result<String> {
    let key = origin
        .keys()
        .rsplit('.')
        .next()
        .filter(|key| !key.is_empty())
        .unwrap_or("the value");
    check_path(key, written, origin)?;
    let text = expanded(written, origin, host)?;
    if text.is_empty() || Path::new(&text).is_absolute() {
        return Ok(text);
    }
    match (origin.directory(), origin.place()) {
        (Some(directory), _) => text_of(&directory.join(&text), origin),
        (None, Place::Variable(_) | Place::Pipe(_)) => {
            let what = match origin.place() {
                Place::Pipe(_) => "a pipe",
                _ => "a variable",
            };
            let why = format!("is relative, but {what} has no directory");
            Err(invalid(&why, origin).with_help("write an absolute path"))
        }
        _ => Ok(text),
    }
}

/// The text with a leading `~` and each `${VAR}` expanded.
///
/// # Errors
/// Returns the errors of [`path`].
pub(super) fn expanded(written: &str, origin: &Origin, host: &Host) -> Result<String> {
    let mut text = String::with_capacity(written.len());
    let mut rest = written;
    if let Some(after) = rest
        .strip_prefix('~')
        .filter(|after| after.is_empty() || after.starts_with(is_separator))
    {
        let home = host.environment().home_directory();
        let home = home.ok_or_else(|| invalid("begins with ~, but there is no home directory", origin))?;
        text.push_str(&text_of(&home, origin)?);
        rest = after;
    }
    while let Some((before, after)) = rest.split_once("${") {
        text.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            return Err(invalid("has a ${ without a }", origin));
        };
        let value = host.environment().unicode(name)?;
        text.push_str(&value.ok_or_else(|| not_set(name, origin))?);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

/// The error for the first variable in the text that is not set.
pub(super) fn unset_variable(written: &str, origin: &Origin, host: &Host) -> Option<Error> {
    let names = written
        .split("${")
        .skip(1)
        .filter_map(|rest| rest.split_once('}'));
    let is_unset = |name: &&str| matches!(host.environment().unicode(name), Ok(None));
    names
        .map(|(name, _)| name)
        .find(is_unset)
        .map(|name| not_set(name, origin))
}

fn not_set(name: &str, origin: &Origin) -> Error {
    let name = clean_line(name);
    invalid(&format!("names the variable {name}, which is not set"), origin)
        .with_help(format_args!("set {name}"))
}

fn text_of(path: &Path, origin: &Origin) -> Result<String> {
    let text = PathBuf::from(path).into_os_string().into_string();
    text.map_err(|_| invalid("leads to a directory whose name is not Unicode", origin))
}

fn invalid(why: &str, origin: &Origin) -> Error {
    Error::new(ErrorKind::InvalidValue, format_args!("the path {why}")).with_origin(origin)
}

#[cfg(all(test, unix))]
mod tests {
    use kubex_core::host::SimulatedHost;

    use super::*;

    #[test]
    fn paths_are_expanded_and_start_at_their_file() {
        let world = SimulatedHost::new();
        world.set_variable("HOME", "/home/jane");
        world.set_variable("DIR", "/srv");
        world.set_variable("EMPTY", "");
        let host = world.host();
        let file = Origin::file("/etc/kubex/config.yaml").key("x");
        for (written, expected) in [
            ("/a/b", "/a/b"),
            ("ca.crt", "/etc/kubex/ca.crt"),
            ("../ca.crt", "/etc/kubex/../ca.crt"),
            ("~", "/home/jane"),
            ("~/ca.crt", "/home/jane/ca.crt"),
            ("~jane/ca.crt", "/etc/kubex/~jane/ca.crt"),
            ("${DIR}/ca.crt", "/srv/ca.crt"),
            ("${DIR}${DIR}", "/srv/srv"),
            ("$DIR/a", "/etc/kubex/$DIR/a"),
            ("", ""),
        ] {
            assert_eq!(path(written, &file, &host).unwrap(), expected, "{written}");
        }
        for (written, why) in [
            ("${NOT_SET}/a", "NOT_SET, which is not set"),
            ("${EMPTY}/a", "EMPTY, which is not set"),
            ("${DIR", "without a }"),
        ] {
            let error = path(written, &file, &host).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
        assert_eq!(path("a", &Origin::code(), &host).unwrap(), "a");
        assert!(
            path("a", &Origin::variable("V"), &host)
                .unwrap_err()
                .to_string()
                .contains("$V")
        );
        assert!(
            path("a", &Origin::pipe("/dev/fd/63").key("x"), &host)
                .unwrap_err()
                .to_string()
                .contains("/dev/fd/63, x")
        );
        world.unset_variable("HOME");
        assert!(
            path("~/a", &file, &host)
                .unwrap_err()
                .to_string()
                .contains("home directory")
        );
    }
}
