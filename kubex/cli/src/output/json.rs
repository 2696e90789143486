//! JSON and YAML for a program.
//!
//! Every text in the data passes [`without_secrets`]. Control characters, and those that change how text is displayed, are
//! escaped in JSON, so that a program still gets the data as it is. In YAML they are replaced by their names (`U+202E`).

use std::borrow::Cow;
use std::io;

use kubex::text::{clean, clean_line, without_secrets};
use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, PrettyFormatter};

/// Pretty JSON that ends with a line break. A secret is shown only if the whole output is one.
pub(crate) fn json(data: &impl Serialize, is_secret: bool) -> io::Result<String> {
    let data = sanitized(data, is_secret)?;
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Escaping(PrettyFormatter::new()));
    data.serialize(&mut serializer)?;
    bytes.push(b'\n');
    String::from_utf8(bytes).map_err(io::Error::other)
}

/// The data of [`json`] as YAML.
pub(super) fn yaml(data: &impl Serialize, is_secret: bool) -> io::Result<String> {
    let text = serde_yaml::to_string(&sanitized(data, is_secret)?).map_err(io::Error::other)?;
    Ok(clean(&text).into_owned())
}

/// The data as a tree that keeps the order of keys, without secrets in its texts.
fn sanitized(data: &impl Serialize, is_secret: bool) -> io::Result<serde_yaml::Value> {
    let mut tree = serde_json::from_str(&serde_json::to_string(data)?)?;
    if !is_secret {
        hide_secrets(&mut tree);
    }
    Ok(tree)
}

fn hide_secrets(tree: &mut serde_yaml::Value) {
    match tree {
        serde_yaml::Value::String(text) => {
            if let Cow::Owned(shown) = without_secrets(text) {
                *text = shown;
            }
        }
        serde_yaml::Value::Sequence(items) => items.iter_mut().for_each(hide_secrets),
        serde_yaml::Value::Mapping(entries) => {
            for (mut key, mut value) in std::mem::take(entries) {
                hide_secrets(&mut key);
                hide_secrets(&mut value);
                entries.insert(key, value);
            }
        }
        _ => {}
    }
}

/// A JSON formatter that escapes deceptive characters.
struct Escaping(PrettyFormatter<'static>);

impl Formatter for Escaping {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, text: &str) -> io::Result<()> {
        if matches!(clean_line(text), Cow::Borrowed(_)) {
            return writer.write_all(text.as_bytes());
        }
        for c in text.chars() {
            let mut buffer = [0; 4];
            let shown = c.encode_utf8(&mut buffer);
            if matches!(clean_line(shown), Cow::Borrowed(_)) {
                writer.write_all(shown.as_bytes())?;
                continue;
            }
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }

    fn write_char_escape<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        self.0.write_char_escape(writer, escape)
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deceptive_characters_are_escaped_and_the_data_stays_the_same() {
        let hostile = "a\u{1b}[31m\u{202e}b\u{e0041}\u{9b}\"\\\nü";
        let text = json(&hostile, false).unwrap();
        assert_eq!(
            text,
            "\"a\\u001b[31m\\u202eb\\udb40\\udc41\\u009b\\\"\\\\\\nü\"\n"
        );
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), hostile);
        let shown = yaml(&["x", hostile], false).unwrap();
        assert!(!shown.contains(['\u{1b}', '\u{202e}', '\u{9b}']), "{shown}");
    }
}
