//! Parses a configuration file into a tree of values with their origins.
//!
//! YAML and TOML result in the same tree. The position of a value is that of its key; an item of a list has its own position.

use std::path::Path;

use kubex_core::options::Value;
use kubex_core::{Error, Origin, Result, SecretBytes};
use kubex_document::{Budget, Conversion, Document, Format, Problem, ReadError};

/// The largest file that is read.
pub(super) const LARGEST_FILE: usize = Budget::CONFIGURATION.bytes;

/// The name of the file in errors.
const WHAT: &str = "the configuration";

/// Reads a file: TOML if its name ends in `.toml`, otherwise YAML, which includes JSON.
///
/// # Errors
/// `MalformedDocument` or `DuplicateName`, with the place. No value is quoted.
pub(super) fn parse(content: SecretBytes, origin: Origin) -> Result<Value> {
    let is_toml = origin
        .path()
        .and_then(Path::extension)
        .is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
    let format = if is_toml { Format::Toml } else { Format::Yaml };
    let document =
        Document::read(content, format, &Budget::CONFIGURATION).map_err(|error| malformed(error, &origin))?;
    document.check_strictly(WHAT, &origin)?;
    let root = document.mapping().map_err(|error| malformed(error, &origin))?;
    if root.is_blank() {
        return Ok(Value::new(Vec::<(String, Value)>::new(), origin));
    }
    Ok(root.to_value(origin, Conversion::CONFIGURATION))
}

fn malformed(error: ReadError, origin: &Origin) -> Error {
    let help = match error.problem() {
        Problem::Encoding => Some("save the file as UTF-8"),
        Problem::NotMapping(_) => Some("begin it with a key, such as chain: [kubeconfig, in-cluster]"),
        _ => None,
    };
    let error = error.into_error(WHAT, origin);
    match help {
        Some(help) => error.with_help(help),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::time::Instant;

    use kubex_core::ErrorKind;
    use kubex_core::options::ValueKind;

    use super::*;

    fn read(name: &str, text: &str) -> Result<Value> {
        parse(text.as_bytes().to_vec().into(), Origin::file(name))
    }

    fn places(value: &Value, found: &mut Vec<String>) {
        match value.kind() {
            ValueKind::Mapping(entries) => entries.iter().for_each(|(_, value)| {
                found.push(value.origin().to_string());
                places(value, found);
            }),
            ValueKind::Sequence(items) => items.iter().for_each(|item| {
                found.push(item.origin().to_string());
                places(item, found);
            }),
            _ => {}
        }
    }

    #[test]
    fn both_formats_give_the_same_tree_and_places() {
        let yaml = read(
            "/c.yaml",
            "chain: [a, 'b']\nsources:\n  a:\n    enabled: true\n    timeout: 5\n    names:\n    - x\n    - {y: z}\n",
        )
        .unwrap();
        let toml = read(
            "/c.toml",
            "chain = [\"a\", 'b']\n[sources.a]\nenabled = true\ntimeout = 5\nnames = [\"x\", {y = \"z\"}]\n",
        )
        .unwrap();
        assert_eq!(format!("{yaml:?}"), format!("{toml:?}"));
        let mut found = Vec::new();
        places(&yaml, &mut found);
        assert_eq!(
            found,
            [
                "/c.yaml:1:1, chain",
                "/c.yaml:1:9, chain[0]",
                "/c.yaml:1:12, chain[1]",
                "/c.yaml:2:1, sources",
                "/c.yaml:3:3, sources.a",
                "/c.yaml:4:5, sources.a.enabled",
                "/c.yaml:5:5, sources.a.timeout",
                "/c.yaml:6:5, sources.a.names",
                "/c.yaml:7:7, sources.a.names[0]",
                "/c.yaml:8:7, sources.a.names[1]",
                "/c.yaml:8:8, sources.a.names[1].y",
            ]
        );
        found.clear();
        places(&toml, &mut found);
        for place in [
            "/c.toml:1:1, chain",
            "/c.toml:1:15, chain[1]",
            "/c.toml:2:10, sources.a",
            "/c.toml:5:1, sources.a.names",
            "/c.toml:5:16, sources.a.names[1].y",
        ] {
            assert!(
                found.iter().any(|found| found == place),
                "{place} is not in {found:?}"
            );
        }
    }

    #[test]
    fn an_empty_file_is_an_empty_mapping() {
        for (name, text) in [
            ("/c.yaml", ""),
            ("/c.yaml", "# nothing\n"),
            ("/c.toml", ""),
            ("/c.yaml", "\u{feff}null\n"),
        ] {
            assert!(
                matches!(read(name, text).unwrap().kind(), ValueKind::Mapping(entries) if entries.is_empty())
            );
        }
    }

    #[test]
    fn an_error_has_the_place_and_quotes_nothing() {
        for (name, text, place) in [
            ("/c.yaml", "a: [s3cret\nb: s3cret", "/c.yaml:2:2"),
            ("/c.yaml", "a: s3cret\n\tb: s3cret", "/c.yaml:2:1"),
            ("/c.yaml", "a: *s3cret\n", "/c.yaml:1:4"),
            ("/c.yaml", "a: !!int s3cret\n", "/c.yaml"),
            ("/c.yaml", "- s3cret\n", "/c.yaml"),
            ("/c.yaml", "s3cret\n", "/c.yaml"),
            ("/c.yaml", "a: 1\n---\nb: s3cret\n", "/c.yaml"),
            ("/c.yaml", "b: 1\nb: s3cret\n", "/c.yaml:2:1, b"),
            ("/c.yaml", "{[s3cret]: 1}", "/c.yaml"),
            ("/c.yaml", "x: &x {a: s3cret}\ny: {<<: *x}\n", "/c.yaml:2:5, y"),
            ("/c.toml", "a = s3cret\n", "/c.toml:1:5"),
            ("/c.toml", "a = 's3cret'\na = 's3cret'\n", "/c.toml:2:1"),
            ("/c.toml", "a = \"s3cret\n", "/c.toml:1:"),
            ("/c.toml", "[a\n", "/c.toml:1:3"),
            ("/c.toml", "a = \"\\q s3cret\"\n", "/c.toml:1:"),
        ] {
            let error = read(name, text).err().unwrap_or_else(|| panic!("{text}"));
            let shown = format!("{error} {error:?} {:?}", std::error::Error::source(&error));
            assert!(
                shown.contains(place) && !shown.contains("s3cret"),
                "{text}: {shown}"
            );
        }
        let error = parse(b"a: \xff".to_vec().into(), Origin::file("/c.yaml")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MalformedDocument);
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "what is measured is the real time of parsing"
    )]
    fn fault_43_bombs_and_depth_are_refused_at_once() {
        let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for level in 1..10 {
            let alias = format!("*a{}", level - 1);
            writeln!(bomb, "a{level}: &a{level} [{}]", vec![alias; 10].join(",")).unwrap();
        }
        let block: Vec<String> = (0..1000)
            .map(|level| format!("{}a:\n", " ".repeat(level)))
            .collect();
        let began = Instant::now();
        for (name, text) in [
            ("/c.yaml", "[".repeat(500_000)),
            ("/c.yaml", "- ".repeat(500_000)),
            ("/c.yaml", "? ".repeat(500_000)),
            ("/c.yaml", block.concat()),
            ("/c.yaml", bomb),
            ("/c.yaml", "a: [".to_owned() + &"x,".repeat(500_000) + "]"),
            ("/c.toml", format!("a = {}", "[".repeat(500_000))),
            ("/c.toml", format!("{}a = 1", "a.".repeat(500_000))),
            ("/c.toml", format!("[{}a]", "a.".repeat(500_000))),
            ("/c.toml", "a = [".to_owned() + &"1,".repeat(500_000) + "]"),
        ] {
            let error = read(name, &text)
                .err()
                .unwrap_or_else(|| panic!("{}", &text[..20]));
            assert_eq!(error.kind(), ErrorKind::MalformedDocument, "{error}");
        }
        // Generous, as the build is not optimised: what is found is time that grows with the square.
        assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
    }
}
