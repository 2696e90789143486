//! A table with aligned columns.

use kubex::text::clean_line;

use super::style::Style;

/// Columns of text below their headings.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<Cell>>,
}

/// The text of a cell, and how it is highlighted.
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

    /// Adds a row. Every cell is cleaned of control characters.
    pub(crate) fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        let cells = cells.into_iter();
        self.rows.push(
            cells
                .map(|text| (clean_line(text).into_owned(), plain as _))
                .collect(),
        );
    }

    /// Highlights a cell of the last row.
    pub(crate) fn highlight(&mut self, column: usize, how: fn(Style, &str) -> String) {
        if let Some((_, style)) = self.rows.last_mut().and_then(|row| row.get_mut(column)) {
            *style = how;
        }
    }

    /// The lines, without trailing white space.
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
    fn columns_are_aligned_and_no_line_has_trailing_white_space() {
        let mut table = Table::new(&["NAME", "WHERE"]);
        table.row(["a", "here"]);
        table.row(["long\u{1b}name", ""]);
        assert_eq!(
            table.render(Style::PLAIN),
            "NAME             WHERE\na                here\nlongU+001Bname\n"
        );
    }
}
