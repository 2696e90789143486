//! A page of data: a table for a person, JSON or YAML for a program.
//!
//! Names and messages come from files and servers that may be anybody's. In a table and in YAML, control
//! characters and those that change how others are shown are replaced by their names; in JSON they are escaped,
//! so that a program still gets them as they are.

use std::borrow::Cow;
use std::io;

use kubex::text::{clean, clean_line};
use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, PrettyFormatter};

use crate::arguments::Format;
use crate::failure::Failure;
use crate::session::Session;
use crate::style::Style;

/// Something that is shown in each form.
pub(crate) trait Page: Serialize {
    /// For a person. What comes from outside goes through a [`Table`] or is cleaned.
    fn table(&self, style: Style) -> String;
}

/// Prints a page in a form.
pub(crate) fn print(page: &impl Page, format: Format, session: &Session) -> Result<(), Failure> {
    let text = match format {
        Format::Table => page.table(Style::of_standard_output(&session.host)),
        Format::Json => json(page)?,
        Format::Yaml => yaml(page)?,
    };
    session.print(&text)
}

/// JSON with a line end.
pub(crate) fn json(page: &impl Serialize) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Escaping(PrettyFormatter::new()));
    page.serialize(&mut serializer).map_err(io::Error::from)?;
    bytes.push(b'\n');
    String::from_utf8(bytes).map_err(|error| io::Error::other(error).into())
}

/// The same as the JSON, in another form.
fn yaml(page: &impl Serialize) -> Result<String, Failure> {
    let value: serde_yaml::Value = serde_json::from_str(&json(page)?).map_err(io::Error::from)?;
    let text = serde_yaml::to_string(&value).map_err(io::Error::other)?;
    Ok(clean(&text).into_owned())
}

/// Pretty JSON in which nothing changes how the rest is shown.
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

/// Columns of text under their headings.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<Cell>>,
}

/// A cell's text, and how it is set off.
type Cell = (String, fn(Style, &str) -> String);

impl Table {
    pub(crate) fn new(headings: &[&str]) -> Self {
        let mut table = Self::default();
        table.rows.push(
            headings
                .iter()
                .map(|heading| ((*heading).to_owned(), Style::faint as fn(Style, &str) -> String))
                .collect(),
        );
        table
    }

    /// Adds a row. Every cell is cleaned.
    pub(crate) fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        let cells = cells.into_iter();
        self.rows.push(
            cells
                .map(|text| (clean_line(text).into_owned(), plain as _))
                .collect(),
        );
    }

    /// Sets a cell of the row that was added last off.
    pub(crate) fn set_off(&mut self, column: usize, how: fn(Style, &str) -> String) {
        if let Some((_, style)) = self.rows.last_mut().and_then(|row| row.get_mut(column)) {
            *style = how;
        }
    }

    /// Its lines, without white space at their ends.
    pub(crate) fn render(&self, style: Style) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells
                    .map(|(text, _)| text.chars().count())
                    .max()
                    .unwrap_or_default()
            })
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            let filled = row
                .iter()
                .rposition(|(text, _)| !text.is_empty())
                .map_or(0, |last| last + 1);
            for (column, ((cell, how), width)) in row.iter().zip(&widths).take(filled).enumerate() {
                text.push_str(&how(style, cell));
                if column + 1 < filled {
                    let padding = width.saturating_sub(cell.chars().count()) + 3;
                    text.extend(std::iter::repeat_n(' ', padding));
                }
            }
            text.push('\n');
        }
        text
    }
}

fn plain(_: Style, text: &str) -> String {
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_escapes_what_deceives_and_stays_the_same_data() {
        let hostile = "a\u{1b}[31m\u{202e}b\u{e0041}\u{9b}\"\\\nü";
        let text = json(&hostile).unwrap();
        assert_eq!(
            text,
            "\"a\\u001b[31m\\u202eb\\udb40\\udc41\\u009b\\\"\\\\\\nü\"\n"
        );
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), hostile);
        let shown = yaml(&["x", hostile]).unwrap();
        assert!(!shown.contains(['\u{1b}', '\u{202e}', '\u{9b}']), "{shown}");
    }

    #[test]
    fn a_table_has_even_columns_and_no_trailing_white_space() {
        let mut table = Table::new(&["NAME", "WHERE"]);
        table.row(["a", "here"]);
        table.row(["long\u{1b}name", ""]);
        assert_eq!(
            table.render(Style::PLAIN),
            "NAME             WHERE\na                here\nlongU+001Bname\n"
        );
    }
}
