//! From the bytes of a file to a tree of values that know their places.
//!
//! YAML and TOML say the same here. The place of a value is that of its key; of an item of a list, its own.

mod toml;
mod yaml;

use std::path::Path;

use kubex_core::error::Problems;
use kubex_core::options::{Value, ValueKind};
use kubex_core::text::is_nested_deeper_than;
use kubex_core::{Error, ErrorKind, ExposeSecret as _, Origin, Result, SecretBytes};

/// The largest file that is read.
pub(super) const LARGEST_FILE: usize = 1024 * 1024;

/// How deep lists and mappings may lie in each other. A configuration needs six levels.
const DEEPEST: usize = 32;

/// How many values a file may have, those that aliases repeat included.
const MOST_VALUES: usize = 10_000;

/// Reads a file: TOML where its name ends so, else YAML, of which JSON is a part.
///
/// # Errors
/// `MalformedDocument` or `DuplicateName`, with the place and never with a value.
pub(super) fn parse(content: &SecretBytes, path: &Path) -> Result<Value> {
    let origin = Origin::file(path);
    let bytes = content.expose_secret();
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("is no text in UTF-8", &origin))?;
    if is_nested_deeper_than(DEEPEST, text) {
        return Err(too_deep(&origin));
    }
    let is_toml = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
    let mut growth = Growth::default();
    let root = if is_toml {
        toml::parse(text, &origin, &mut growth)?
    } else {
        yaml::parse(text, &origin, &mut growth)?
    };
    growth.problems.into_result()?;
    match root.kind() {
        ValueKind::Mapping(_) => Ok(root),
        ValueKind::Null => Ok(Value::new(Vec::<(String, Value)>::new(), origin)),
        _ => Err(malformed(
            &format!("is {} and must be a mapping", root.type_name()),
            &origin,
        )),
    }
}

/// What was read so far of one document.
#[derive(Debug, Default)]
struct Growth {
    values: usize,
    problems: Problems,
}

impl Growth {
    /// Counts a value; says why there are too many.
    fn add_value(&mut self, depth: usize) -> Result<(), &'static str> {
        self.values += 1;
        if depth > DEEPEST {
            return Err(TOO_DEEP);
        }
        if self.values > MOST_VALUES {
            return Err("has too many values in it");
        }
        Ok(())
    }

    /// Adds an entry to a mapping. A key that is there already is a problem.
    fn add_entry(&mut self, entries: &mut Vec<(String, Value)>, key: String, value: Value) {
        if let Some((_, first)) = entries.iter().find(|(name, _)| *name == key) {
            let error =
                Error::new(ErrorKind::DuplicateName, "the key is written twice").with_origin(value.origin());
            self.problems.add(match first.origin().line_and_column() {
                Some((line, _)) => {
                    error.with_help(format_args!("remove one of the two; the other is on line {line}"))
                }
                None => error.with_help("remove one of the two"),
            });
        }
        entries.push((key, value));
    }
}

const TOO_DEEP: &str = "has lists and mappings too deep in each other";

fn malformed(why: &str, origin: &Origin) -> Error {
    Error::new(
        ErrorKind::MalformedDocument,
        format_args!("the configuration {why}"),
    )
    .with_origin(origin)
}

fn too_deep(origin: &Origin) -> Error {
    malformed(TOO_DEEP, origin).with_help(format_args!("{DEEPEST} levels are read"))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::time::Instant;

    use super::*;

    fn read(name: &str, text: &str) -> Result<Value> {
        parse(&text.as_bytes().to_vec().into(), Path::new(name))
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
    fn both_formats_say_the_same_and_where() {
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
                "/c.yaml:6:5, sources.a.names[1]",
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
    fn an_empty_file_says_nothing() {
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
    fn what_is_malformed_says_where_and_never_what() {
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
        let error = parse(&b"a: \xff".to_vec().into(), Path::new("/c.yaml")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MalformedDocument);
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "what is measured is the real time of parsing"
    )]
    fn bombs_and_depth_are_refused_at_once() {
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
