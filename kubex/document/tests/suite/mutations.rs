//! Kubeconfigs, and what slips of the hand make of them: what the suites of this crate read.

use kubex_core::faults::Mutations;

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

/// A kubeconfig after some mutations, the same each time for the same seed.
pub(crate) fn document(mutations: &mut Mutations) -> String {
    let seed = mutations.one_of(SEEDS).copied().unwrap();
    mutations.of(seed)
}
