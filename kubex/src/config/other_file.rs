//! Recognizes configuration files of kubectl, which are not valid here.

use std::path::Path;

use kubex_core::options::Value;
use kubex_core::text::{shell_word, shown_path};
use kubex_core::{Error, ErrorKind, Result};

use super::settings::SECTIONS;

/// The sections of a kubeconfig.
const OF_A_KUBECONFIG: [&str; 4] = ["clusters", "users", "contexts", "current-context"];

/// Refuses a kubeconfig and a kuberc. Otherwise, each of their keys would be an unknown key.
///
/// # Errors
/// Returns `MalformedDocument`. Its help contains the command for such a file.
pub(super) fn check(root: &Value, path: &Path) -> Result<()> {
    let has = |key: &&str| root.get(key).is_some();
    let is_of_kind = |kind| root.get("kind").and_then(Value::as_str) == Some(kind);
    if SECTIONS.iter().any(has) {
        return Ok(());
    }
    let shown = shown_path(path);
    let file = shell_word(&shown);
    let (what, help) = if is_of_kind("Config") || OF_A_KUBECONFIG.iter().any(has) {
        (
            "a kubeconfig",
            format!("check it with: kubex explain --check --kubeconfig {file}"),
        )
    } else if is_of_kind("Preference") {
        (
            "a kuberc of kubectl",
            format!("see what its policy decides: kubex explain --kuberc {file}"),
        )
    } else {
        return Ok(());
    };
    let message = format_args!("this is {what}, not a configuration of Kubex");
    Err(Error::new(ErrorKind::MalformedDocument, message)
        .with_origin(root.origin())
        .with_help(help))
}
