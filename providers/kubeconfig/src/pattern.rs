//! Expands paths with wildcards: `~/.kube/config.d/*.yaml`.
//!
//! In the last component of a path, `*` matches any characters and `?` matches one, as in a shell. A name that begins with
//! a dot matches only a pattern that begins with one. The matches are sorted. If a file has the same name as the pattern,
//! it is that file. A pattern without a match is kept unchanged, so that the report can show that it does not exist.

use std::path::{Path, PathBuf};

use kubex_core::error::is_missing;
use kubex_core::host::FileKind;
use kubex_core::{Error, Host, Result};

/// The files that match the paths, in the order of the paths. A directory is not a file. A directory that exists and cannot
/// be listed is an error, because its content is unknown.
pub(crate) async fn expand(paths: &[PathBuf], host: &Host) -> Result<Vec<PathBuf>> {
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        let matching = matching(path, host).await?;
        if matching.is_empty() {
            files.push(path.clone());
        } else {
            files.extend(matching);
        }
    }
    Ok(files)
}

async fn matching(path: &Path, host: &Host) -> Result<Vec<PathBuf>> {
    let pattern = path.file_name().and_then(|name| name.to_str());
    let (Some(pattern), Some(directory)) = (pattern, path.parent()) else {
        return Ok(Vec::new());
    };
    if !pattern.contains(['*', '?']) || host.files().kind(path).await.is_ok() {
        return Ok(Vec::new());
    }
    let names = match host.files().list(directory).await {
        Err(error) if is_missing(&error) => Vec::new(),
        names => names.map_err(|error| Error::unreadable("the directory", directory, error))?,
    };
    let mut files = Vec::new();
    for name in names {
        let file = directory.join(&name);
        let is_hidden = name.starts_with('.') && !pattern.starts_with('.');
        if !is_hidden
            && fits(&name, pattern)
            && !matches!(host.files().kind(&file).await, Ok(FileKind::Directory))
        {
            files.push(file);
        }
    }
    Ok(files)
}

/// Whether a name matches a pattern. The time is at most proportional to the product of their lengths.
fn fits(name: &str, pattern: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let mut reached = vec![false; name.len() + 1];
    reached.first_mut().into_iter().for_each(|start| *start = true);
    for wanted in pattern.chars() {
        let mut next = vec![false; name.len() + 1];
        for (at, is_reached) in reached.iter().enumerate().filter(|(_, is_reached)| **is_reached) {
            let fits_one = *is_reached
                && name
                    .get(at)
                    .is_some_and(|found| wanted == '?' || *found == wanted);
            let range = match wanted {
                '*' => at..name.len() + 1,
                _ if fits_one => at + 1..at + 2,
                _ => continue,
            };
            next.get_mut(range)
                .into_iter()
                .flatten()
                .for_each(|place| *place = true);
            if wanted == '*' {
                break;
            }
        }
        reached = next;
    }
    reached.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use kubex_core::host::SimulatedHost;

    use std::io;

    use super::*;

    #[test]
    fn a_star_is_any_characters_and_a_question_mark_is_one() {
        for (name, pattern, expected) in [
            ("prod.yaml", "*.yaml", true),
            ("prod.yml", "*.yaml", false),
            (".yaml", "*.yaml", true),
            ("prod.yaml", "prod.yaml", true),
            ("prod.yaml", "p?od.y*l", true),
            ("prod.yaml", "*", true),
            ("", "*", true),
            ("", "?", false),
            ("prods", "prod", false),
            ("ünï.yaml", "?n?.*", true),
            ("a-b-b", "*-b", true),
        ] {
            assert_eq!(fits(name, pattern), expected, "{name} {pattern}");
        }
        let many = "a".repeat(2000);
        assert!(!fits(&many, &format!("{}b", "a*".repeat(200))));
    }

    #[tokio::test]
    async fn what_matches_comes_sorted_and_without_directories_and_hidden_files() {
        let world = SimulatedHost::new();
        for file in [
            "/d/b.yaml",
            "/d/a.yaml",
            "/d/.c.yaml",
            "/d/e.yaml/inside",
            "/d/f.txt",
            "/d/x*.yaml",
        ] {
            world.write(file, "x");
        }
        world.fail("/locked", io::ErrorKind::PermissionDenied);
        let host = world.host();
        let paths = |paths: &[&str]| -> Vec<PathBuf> { paths.iter().map(PathBuf::from).collect() };
        for (given, expected) in [
            (vec!["/z", "/d/?.yaml"], vec!["/z", "/d/a.yaml", "/d/b.yaml"]),
            (vec!["/d/.*.yaml"], vec!["/d/.c.yaml"]),
            (vec!["/d/x*.yaml"], vec!["/d/x*.yaml"]),
            (vec!["/d/*.json"], vec!["/d/*.json"]),
            (vec!["/nowhere/*"], vec!["/nowhere/*"]),
            (vec!["/*/a.yaml"], vec!["/*/a.yaml"]),
        ] {
            assert_eq!(
                expand(&paths(&given), &host).await.unwrap(),
                paths(&expected),
                "{given:?}"
            );
        }
        let error = expand(&paths(&["/locked/*"]), &host).await.unwrap_err();
        assert!(
            !error.is_not_configured() && error.to_string().contains("/locked"),
            "{error}"
        );
    }
}
