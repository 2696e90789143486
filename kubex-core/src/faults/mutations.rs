//! Mutations of a document, as by a typing error or a damaged disk.

/// Texts that change the meaning of a YAML document if they are inserted: YAML syntax, and unusual characters such as a byte
/// order mark.
///
/// ```
/// assert!(kubex_core::faults::YAML_PIECES.contains(&"- "));
/// ```
pub const YAML_PIECES: &[&str] = &[
    " ",
    "  ",
    "\n",
    "\r\n",
    "\r",
    "\t",
    ":",
    ": ",
    "- ",
    "-",
    "#",
    " #",
    "\"",
    "'",
    "{",
    "}",
    "[",
    "]",
    ",",
    "&a ",
    "*a",
    "*a1",
    "*x",
    "!",
    "!!str ",
    "|",
    "|\n",
    ">",
    "? ",
    "? a\n: b",
    "%",
    "@",
    "`",
    "~",
    "---\n",
    "...\n",
    "<<: *a1\n",
    "<<: *x\n",
    "\\",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "é",
    "0",
    "null",
    "a: b\n",
    "- a\n",
    "a: &a b\n",
    "\0",
    "|2\n",
    ">-\n",
    "''",
    "\"\"",
    "\n\n",
    "\n#\n",
    "{a: b}",
    "[a]",
    "\u{a0}",
    "a:",
    "\n-",
    "\n:",
    ":\t",
    "-\t",
    "\t#x",
    "!x ",
    "{a, b: c}",
    "[a: b]",
    "[? a : b]",
    "{\"a\":b}",
    "\"a\\x41\\\n  b\"",
    "|+\n",
    "|-\n",
    ">+1\n",
    "\t\n",
    "! ",
    "*a : b",
    "&a",
    "😀",
];

/// Creates random mutations of a text. Equal seeds create equal mutations.
///
/// ```
/// use kubex_core::faults::Mutations;
///
/// let mutated = |seed| Mutations::new(seed).of("users: [{name: jane, user: {token: abc}}]\n");
/// assert_eq!(mutated(7), mutated(7));
/// ```
#[derive(Clone, Debug)]
pub struct Mutations(u64);

impl Mutations {
    /// Creates a source of mutations from this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2) | 1)
    }

    /// Returns a random number below `end`, or 0 if `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let spread = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(spread).unwrap_or_default() % end.max(1)
    }

    /// Returns a random element of `choices`; `None` if it is empty.
    pub fn one_of<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        choices.get(self.below(choices.len()))
    }

    /// Returns the text after one to four mutations.
    pub fn of(&mut self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..=self.below(4) {
            self.mutate(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Changes the document once. It inserts, removes, repeats, replaces or cuts off a part, or changes a line.
    pub fn mutate(&mut self, document: &mut Vec<u8>) {
        let at = self.below(document.len() + 1);
        let until = (at + 1 + self.below(12)).min(document.len()).max(at);
        match self.below(10) {
            0..=2 => drop(document.splice(at..at, self.piece().bytes())),
            3 => drop(document.drain(at..until)),
            4 => {
                let copy = document.get(at..until).unwrap_or_default().to_vec();
                document.splice(at..at, copy);
            }
            5 => drop(document.splice(at..until.min(at + 1), self.piece().bytes())),
            6 => document.truncate(at.max(document.len() / 2)),
            _ => self.mutate_line(document),
        }
    }

    fn piece(&mut self) -> &'static str {
        self.one_of(YAML_PIECES).copied().unwrap_or_default()
    }

    fn mutate_line(&mut self, document: &mut Vec<u8>) {
        let mut lines: Vec<Vec<u8>> = document
            .split_inclusive(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        let index = self.below(lines.len());
        let (choice, other) = (self.below(4), self.below(lines.len()));
        let Some(line) = lines.get_mut(index) else { return };
        match choice {
            0 => lines.swap(index, other),
            1 => drop(lines.remove(index)),
            2 => {
                let indent = line.iter().position(|byte| *byte != b' ').unwrap_or(0);
                line.splice(..indent, std::iter::repeat_n(b' ', self.below(7)));
            }
            _ => {
                let colon = line.iter().position(|byte| *byte == b':');
                let value = colon.map_or(0, |colon| colon + 1);
                line.splice(value..value, self.piece().bytes());
            }
        }
        *document = lines.concat();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn most_mutations_differ_and_none_needs_a_text() {
        let text = "users:\n- name: jane\n  user:\n    token: abc\n";
        let mutated: BTreeSet<_> = (0..1000).map(|seed| Mutations::new(seed).of(text)).collect();
        assert!(mutated.len() > 800, "{}", mutated.len());
        for seed in 0..1000 {
            let _ = Mutations::new(seed).of("");
        }
    }
}
