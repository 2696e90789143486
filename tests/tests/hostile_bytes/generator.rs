//! Kubeconfigs that an attacker would write: mutated, nested, repeated, oversized, or not a text at all.

use kubex_core::faults::Mutations;

/// Kubeconfigs without a plugin or a file, so that their bytes alone configure a client.
const SEEDS: &[&str] = &[
    "apiVersion: v1\nkind: Config\ncurrent-context: prod\nclusters:\n- name: prod\n  cluster:\n    server: https://10.0.0.1:6443/k8s\n    insecure-skip-tls-verify: true\n    proxy-url: socks5://jane:s3cret@10.0.0.2:1080\n    tls-server-name: api.internal\ncontexts:\n- name: prod\n  context:\n    cluster: prod\n    user: jane\n    namespace: team-a\nusers:\n- name: jane\n  user:\n    token: abc\n    as: joe\n    as-uid: \"7\"\n    as-groups: [dev, ops]\n    as-user-extra:\n      scopes: [a, b]\n",
    "{\"current-context\":\"a\",\"clusters\":[{\"name\":\"a\",\"cluster\":{\"server\":\"https://[fd00::1]\",\"extensions\":[{\"name\":\"x\",\"extension\":{\"y\":[1,null,2.5]}}]}}],\"users\":[{\"name\":\"a\",\"user\":{\"username\":\"jane\",\"password\":\"s3cret\"}}],\"contexts\":[{\"name\":\"a\",\"context\":{\"cluster\":\"a\",\"user\":\"a\"}}]}",
    "x: &jane {username: jane, password: s3cret}\ncurrent-context: 'prod' # the one\nclusters: [{name: prod, cluster: {server: \"http://prod.example\", disable-compression: yes}}]\ncontexts: [{name: prod, context: {cluster: prod, user: jane}}]\nusers:\n  -\n    name: jane\n    user:\n      <<: *jane\n      as: |-\n        joe\n",
];

/// The values that replace a scalar of a seed.
const VALUES: &[&str] = &[
    "\"\"",
    "~",
    "[]",
    "{}",
    "0",
    "-1",
    "1e400",
    "\"\\0\"",
    "\"\\r\\nX-Evil: 1\"",
    "\"\\u202e\\x1b]0;x\\a\"",
    "https://",
    "\"https://h:99999999\"",
    "\"https://[::1%25eth0]:6443\"",
    "\"https://a@b@c/%zz\"",
    "!!binary AAEC/w==",
    "!!binary \"=\"",
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCkFBQUEKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=",
    "é😀\u{feff}",
    "9999-12-31T23:59:59Z",
];

/// The fields that such a value is written to.
const FIELDS: &[&str] = &[
    "server",
    "token",
    "as",
    "namespace",
    "proxy-url",
    "tls-server-name",
    "certificate-authority-data",
    "client-certificate-data",
    "client-key-data",
    "username",
    "password",
    "as-uid",
    "as-groups",
    "as-user-extra",
    "name",
    "cluster",
    "user",
    "current-context",
];

/// The kubeconfig of this number.
pub(super) fn kubeconfig(number: u64) -> Vec<u8> {
    let mut random = Mutations::new(number);
    let seed = random.one_of(SEEDS).copied().unwrap_or_default();
    match random.below(8) {
        0..=2 => random.of(seed).into_bytes(),
        3 | 4 => with_another_value(seed, &mut random).into_bytes(),
        5 => repeated(seed, &mut random).into_bytes(),
        6 => nested(seed, &mut random).into_bytes(),
        _ => not_a_text(seed, &mut random),
    }
}

/// Writes another value to one or two fields, in a block or in a flow mapping.
fn with_another_value(seed: &str, random: &mut Mutations) -> String {
    let mut text = seed.to_owned();
    for _ in 0..=random.below(2) {
        let field = random.one_of(FIELDS).copied().unwrap_or_default();
        let value = random.one_of(VALUES).copied().unwrap_or_default();
        for separator in [": ", "\":"] {
            if let Some(at) = text.find(&format!("{field}{separator}")) {
                let start = at + field.len() + separator.len();
                let length = text[start..].find(['\n', ',', '}']).unwrap_or(0);
                text.replace_range(start..start + length, value);
            }
        }
    }
    text
}

/// Repeats one line, or one value within it, some hundred times.
fn repeated(seed: &str, random: &mut Mutations) -> String {
    let count = 2 + random.below(400);
    let many = |piece: &dyn Fn(usize) -> String| (0..count).map(piece).collect::<String>();
    match random.below(5) {
        0 => seed.replace("scopes: [a, b]\n", &many(&|n| format!("\"k{n}\": [v]\n      "))),
        1 => seed.replace("[dev, ops]", &format!("[{}]", many(&|n| format!("g{n}, ")))),
        2 => seed.replace("abc", &"a".repeat(count * 100)),
        3 => format!("{}{seed}", many(&|n| format!("unknown-{n}: {n}\n"))),
        _ => seed.replace(
            "- name: jane",
            &many(&|n| format!("- name: j{n}\n  user: {{}}\n- name: jane\n")),
        ),
    }
}

/// Nests collections or aliases, within the seed or around it.
fn nested(seed: &str, random: &mut Mutations) -> String {
    let depth = 1 + random.below(300);
    match random.below(4) {
        0 => format!("{seed}\nextensions: {}{}\n", "[".repeat(depth), "]".repeat(depth)),
        1 => format!("{seed}\nextensions: {}", "{a: ".repeat(depth)),
        2 => {
            let levels = depth % 40;
            let level = |n: usize| {
                format!(
                    "b{n}: &b{n} [*b{}, *b{}]\n",
                    n.saturating_sub(1),
                    n.saturating_sub(1)
                )
            };
            format!(
                "b0: &b0 [x]\n{}{seed}",
                (1..levels.max(2)).map(level).collect::<String>()
            )
        }
        _ => format!("{}\n{seed}", "- ".repeat(depth)),
    }
}

/// Bytes that are not UTF-8, UTF-16 with a byte order mark, or with bytes of any value in them.
fn not_a_text(seed: &str, random: &mut Mutations) -> Vec<u8> {
    match random.below(3) {
        0 => {
            let units = seed.encode_utf16().flat_map(u16::to_le_bytes);
            let mut bytes: Vec<u8> = [0xff, 0xfe].into_iter().chain(units).collect();
            bytes.truncate(bytes.len() - random.below(4));
            bytes
        }
        1 => {
            let mut bytes = seed.as_bytes().to_vec();
            for _ in 0..=random.below(8) {
                let at = random.below(bytes.len());
                bytes[at] = u8::try_from(random.below(256)).unwrap_or_default();
            }
            bytes
        }
        _ => (0..random.below(200))
            .map(|_| u8::try_from(random.below(256)).unwrap_or_default())
            .collect(),
    }
}
