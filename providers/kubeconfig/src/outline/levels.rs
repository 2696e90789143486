//! Tracks the collections around a line, by its indentation.

use super::line::{Inline, Line, MOST_KEYS};

/// The deepest nesting of the subset.
const DEEPEST: usize = 24;

/// A block collection that is open.
#[derive(Debug)]
struct Level<'t> {
    /// The column of its keys or dashes.
    column: usize,
    is_list: bool,
    /// Whether the value of its last key or item is still to come.
    is_waiting: bool,
    /// The keys so far. Empty for a list.
    keys: Vec<&'t str>,
}

/// The collections that are open, the outermost first.
///
/// The rule (YAML 1.1, "Block Collection Styles"): what is indented further belongs to the last key or item, which
/// must not have a value yet; what is indented the same is the next key or item; what is indented less closes the
/// collection. The dashes of a list that is a key's value may stand in the column of the key.
#[derive(Debug, Default)]
pub(super) struct Levels<'t> {
    levels: Vec<Level<'t>>,
    /// The vectors of closed collections, for reuse.
    spare: Vec<Vec<&'t str>>,
}

impl<'t> Levels<'t> {
    /// How many collections are open. The document's own mapping is the first.
    pub(super) fn depth(&self) -> usize {
        self.levels.len()
    }

    /// Adds a line in this column. `None` if its indentation is invalid, if its key is a duplicate, or if the mapping has too
    /// many keys to check that.
    pub(super) fn take(&mut self, line: Line<'t>, column: usize) -> Option<()> {
        let is_item = matches!(line, Line::Item { .. } | Line::EmptyItem);
        loop {
            let Some(level) = self.levels.last() else {
                return (column == 0 && !is_item)
                    .then(|| self.open(column, false))
                    .and_then(|()| self.put(line));
            };
            if column > level.column {
                if !level.is_waiting || matches!(line, Line::Text(_)) || self.levels.len() >= DEEPEST {
                    return None;
                }
                self.open(column, is_item);
                return self.put(line);
            }
            if column == level.column {
                if level.is_list == is_item {
                    return self.put(line);
                }
                if is_item {
                    if !level.is_waiting {
                        return None;
                    }
                    self.open(column, true);
                    return self.put(line);
                }
            }
            self.close();
        }
    }

    /// Adds the first entry of a mapping that begins after a dash, in this column.
    pub(super) fn take_behind_dash(&mut self, line: Line<'t>, column: usize) -> Option<()> {
        match line {
            Line::Entry { .. } => {
                self.open(column, false);
                self.put(line)
            }
            Line::Text(_) => {
                self.levels.last_mut()?.is_waiting = false;
                Some(())
            }
            Line::Item { .. } | Line::EmptyItem => None,
        }
    }

    fn put(&mut self, line: Line<'t>) -> Option<()> {
        let level = self.levels.last_mut()?;
        match line {
            Line::Entry { key, value } => {
                if level.keys.len() >= MOST_KEYS || level.keys.contains(&key) {
                    return None;
                }
                level.keys.push(key);
                level.is_waiting = value == Inline::Nothing;
            }
            Line::Item { .. } | Line::EmptyItem => level.is_waiting = true,
            Line::Text(_) => return None,
        }
        Some(())
    }

    fn open(&mut self, column: usize, is_list: bool) {
        let keys = self.spare.pop().unwrap_or_default();
        if let Some(level) = self.levels.last_mut() {
            level.is_waiting = false;
        }
        self.levels.push(Level {
            column,
            is_list,
            is_waiting: false,
            keys,
        });
    }

    fn close(&mut self) {
        if let Some(mut level) = self.levels.pop() {
            level.keys.clear();
            self.spare.push(level.keys);
        }
    }
}
