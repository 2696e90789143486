//! Kubeconfigs, and what slips of the hand make of them: what the suites of this crate read.

/// Kubeconfigs in every form of YAML that people write.
pub(crate) const SEEDS: &[&str] = &[
    "apiVersion: v1\nkind: Config\ncurrent-context: prod\nclusters:\n- cluster:\n    certificate-authority-data: LS0tLS1CRUdJTg==\n    server: https://prod.example:6443\n  name: prod\ncontexts:\n- context:\n    cluster: prod\n    user: jane\n  name: prod\npreferences: {}\nusers:\n- name: jane\n  user:\n    token: abc\n",
    "users: [{name: jane, user: {token: abc, exec: {args: [a, \"b\", 'c c'], env: []}}}]\n",
    "# first\n---\nclusters:\n  - name: a # behind\n    cluster:\n      server: \"https://a\\u002eexample\\\n        :6443\"\n      tls-server-name: 'it''s'\nx: &x {a: 1, b: [c]}\ny:\n  <<: *x\n  a: 2\nz: *x\n...\n---\nnext: document\n",
    "users:\n- name: joe\n  user:\n    client-key-data: |\n      LS0t\n       two\n\n      three\n    token: >-\n      folded\n      text\n\n      and more\n    x: |+2\n        kept\n\n",
    "{\"users\": [{\"name\": \"a\", \"user\": {\"token\": \"t\\n\", \"x\": [1, 2.5, true, null, -3e2]}}], \"b\": {}}",
    "? a\n: b\n? - c\n  - d\n: e\n-1: 2\n'q': \"r\\\n  s\"\n",
    "a:\tb\nc: d\te\t# x\nd:\n-\tz: 1\n- y: 2\n-\n- - e\n  - f: g\n    h: i\n",
    "%YAML 1.1\n%TAG !e! tag:e,2000:\n---\na: !e!x b\nc: !!str 5\nd: ! e\nf: !<tag:yaml.org,2002:str> 6\n...\n",
    "a: plain\n  over\n\n  lines\nb: 'quoted\n  over\n\n  lines'\nc: 0777\nd: 1_000\ne: yes\nf: ~\ng:\nh: 2001-01-01\n",
    "[a, b: c, {d, e: f}, ? g : h]\n",
];

/// What is inserted: what means something to YAML, and what editors leave behind.
const PIECES: &[&str] = &[
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

/// A source of choices, the same each time.
pub(crate) struct Choices(u64);

impl Choices {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// A number below this one.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let spread = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(spread).unwrap() % end.max(1)
    }

    fn piece(&mut self) -> &'static str {
        PIECES[self.below(PIECES.len())]
    }

    /// A kubeconfig after some edits.
    pub(crate) fn document(&mut self) -> String {
        let mut text = SEEDS[self.below(SEEDS.len())].as_bytes().to_vec();
        for _ in 0..=self.below(4) {
            self.edit(&mut text);
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    fn edit(&mut self, text: &mut Vec<u8>) {
        let at = self.below(text.len() + 1);
        let until = (at + 1 + self.below(12)).min(text.len()).max(at);
        match self.below(10) {
            0..=2 => drop(text.splice(at..at, self.piece().bytes())),
            3 => drop(text.drain(at..until)),
            4 => {
                let copy = text[at..until].to_vec();
                text.splice(at..at, copy);
            }
            5 => drop(text.splice(at..until.min(at + 1), self.piece().bytes())),
            6 => text.truncate(at.max(text.len() / 2)),
            _ => self.edit_line(text),
        }
    }

    fn edit_line(&mut self, text: &mut Vec<u8>) {
        let mut lines: Vec<Vec<u8>> = text
            .split_inclusive(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        if lines.is_empty() {
            return;
        }
        let index = self.below(lines.len());
        match self.below(4) {
            0 => {
                let other = self.below(lines.len());
                lines.swap(index, other);
            }
            1 => drop(lines.remove(index)),
            2 => {
                let kept = lines[index].iter().position(|byte| *byte != b' ').unwrap_or(0);
                let indent = self.below(7);
                lines[index].splice(..kept, std::iter::repeat_n(b' ', indent));
            }
            _ => {
                let value = lines[index]
                    .iter()
                    .position(|byte| *byte == b':')
                    .map_or(0, |colon| colon + 1);
                lines[index].splice(value..value, self.piece().bytes());
            }
        }
        *text = lines.concat();
    }
}
