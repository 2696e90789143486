//! A case: the files, the flags and the variables that a seed makes.

use std::fmt;

use super::chance::Chance;
use super::picks::{
    CLUSTER, CONTEXT, ENVIRONMENT, FLAGS, IDENTITIES, LAYOUTS, NAMES, PAIRS, PROXIES, SERVER, SERVERS, TOP,
    TRUST, TRUSTS, USER, USER_MORE,
};
use super::scripts::ANSWERS;

/// The address that only a proxy knows.
pub const BEHIND_A_PROXY: &str = "server: https://api.cluster.test:6443";

#[derive(Debug, Default)]
pub struct Case {
    /// What it is made of, by the texts of `picks.rs`.
    pub picks: Vec<&'static str>,
    /// The files of `KUBECONFIG`, with placeholders.
    pub files: Vec<String>,
    /// `key=value`, with placeholders.
    pub flags: Vec<&'static str>,
    pub environment: Vec<(&'static str, &'static str)>,
}

/// The tables of `picks.rs`.
#[derive(Clone, Copy)]
enum Group {
    Server,
    Trust,
    Cluster,
    Identity,
    Pair,
    User,
    Context,
    Top,
    Names,
    Layout,
    Flag,
    Environment,
}

/// The groups, each as often as it is to be chosen.
const GROUPS: &[Group] = &[
    Group::Server,
    Group::Server,
    Group::Trust,
    Group::Cluster,
    Group::Cluster,
    Group::Identity,
    Group::Identity,
    Group::Identity,
    Group::Identity,
    Group::Pair,
    Group::User,
    Group::User,
    Group::Context,
    Group::Top,
    Group::Names,
    Group::Layout,
    Group::Flag,
    Group::Flag,
    Group::Flag,
    Group::Environment,
];

/// The fields of which a case has the usual one only if it has no other.
const TRUST_KEYS: &[&str] = &[
    "certificate-authority",
    "certificate-authority-data",
    "insecure-skip-tls-verify",
];

/// The entries that a case is rendered from.
#[derive(Default)]
struct Fields {
    cluster: Vec<&'static str>,
    user: Vec<&'static str>,
    context: Vec<&'static str>,
    top: Vec<&'static str>,
    names: Option<&'static str>,
    layout: Option<&'static str>,
    /// The answer of the plugin that is chosen by chance.
    answer: &'static str,
    is_flow: bool,
    is_split: bool,
    is_shadowed: bool,
}

impl Case {
    pub fn from_seed(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let mut case = Self::default();
        let mut fields = Fields::default();
        if chance.percent(5) {
            case.add(&mut fields.cluster, BEHIND_A_PROXY);
            case.add_environment(chance.pick(PROXIES));
        }
        for _ in 0..chance.pick(&[1, 1, 1, 2, 2, 3]) {
            let group = chance.pick(GROUPS);
            case.add_oddity(group, &mut fields, &mut chance);
        }
        for usual in [SERVER, TRUST] {
            let has_trust = fields
                .cluster
                .iter()
                .any(|field| TRUST_KEYS.contains(&key(field)));
            if usual == SERVER || !has_trust {
                case.add(&mut fields.cluster, usual);
            }
        }
        if fields.user.iter().all(|field| USER_MORE.contains(field)) {
            case.add(&mut fields.user, USER);
        }
        let answer = chance.pick(ANSWERS).0;
        fields.answer = answer;
        fields.is_flow = chance.percent(30);
        fields.is_split = chance.percent(10);
        fields.is_shadowed = fields.is_split && chance.percent(50);
        case.files = fields.render();
        if case.files.iter().any(|file| file.contains("/answer-")) {
            case.picks.push(answer);
        }
        case
    }

    /// A case of one user and one cluster with these fields, and these flags.
    pub fn of(cluster: &[&'static str], user: &[&'static str], flags: &[&'static str]) -> Self {
        let fields = Fields {
            cluster: cluster.to_vec(),
            user: user.to_vec(),
            ..Fields::default()
        };
        Self {
            picks: [cluster, user].concat(),
            files: fields.render(),
            flags: flags.to_vec(),
            environment: Vec::new(),
        }
    }

    /// Adds a field, unless its key is there.
    fn add(&mut self, fields: &mut Vec<&'static str>, pick: &'static str) {
        if !fields.iter().any(|field| key(field) == key(pick)) {
            fields.push(pick);
            self.picks.push(pick);
        }
    }

    fn add_oddity(&mut self, group: Group, fields: &mut Fields, chance: &mut Chance) {
        match group {
            Group::Server => self.add(&mut fields.cluster, chance.pick(SERVERS)),
            Group::Trust => self.add(&mut fields.cluster, chance.pick(TRUSTS)),
            Group::Cluster => self.add(&mut fields.cluster, chance.pick(CLUSTER)),
            Group::Identity => self.add(&mut fields.user, chance.pick(IDENTITIES)),
            Group::Pair => {
                for pick in chance.pick(PAIRS) {
                    self.add(&mut fields.user, pick);
                }
            }
            Group::User => self.add(&mut fields.user, chance.pick(USER_MORE)),
            Group::Context => self.add(&mut fields.context, chance.pick(CONTEXT)),
            Group::Top => self.add(&mut fields.top, chance.pick(TOP)),
            Group::Names => {
                let pick = chance.pick(NAMES);
                self.picks.push(pick);
                fields.names = Some(pick);
            }
            Group::Layout => {
                let pick = chance.pick(LAYOUTS);
                self.picks.push(pick);
                fields.layout = Some(pick);
            }
            Group::Flag => self.add_flag(chance.pick(FLAGS)),
            // Without its proxy, a client would ask the name servers for the name that only the proxy knows.
            Group::Environment if self.picks.contains(&BEHIND_A_PROXY) => {}
            Group::Environment => self.add_environment(chance.pick(ENVIRONMENT)),
        }
    }

    fn add_flag(&mut self, pick: &'static str) {
        let name = |flag: &str| flag.split('=').next().unwrap_or_default().to_owned();
        if !self.flags.iter().any(|flag| name(flag) == name(pick)) {
            self.flags.push(pick);
        }
    }

    fn add_environment(&mut self, pick: &'static str) {
        // A blank of the value stays: variables are divided before their names.
        let second = pick.find(" REQUEST_METHOD").or(pick.find(" NO_PROXY"));
        let (first, second) = pick.split_at(second.unwrap_or(pick.len()));
        for assignment in [first, second.trim_start()] {
            self.environment.extend(assignment.split_once('='));
        }
        self.picks.push(pick);
    }
}

fn key(field: &str) -> &str {
    field.split(':').next().unwrap_or(field)
}

impl Fields {
    /// The files, in which the names are as the case says.
    fn render(mut self) -> Vec<String> {
        let names = self.names.unwrap_or_default();
        let all = names == "nothing has a name";
        let name = |name: &'static str| match names {
            "the names are numbers" => "12",
            "the names are words" => "yes",
            _ => name,
        };
        let current = match names {
            "no current-context" | "the context has no name, no current-context" | "nothing has a name" => {
                None
            }
            "current-context: other" => Some("other"),
            "current-context: 1" => Some("1"),
            _ => Some(name("dev")),
        };
        let cluster = match names {
            "the cluster has no name" | "nothing has a name" | "the context names no cluster" => None,
            "there is no such cluster" => Some("other"),
            _ => Some(name("dev")),
        };
        let user = match names {
            "the user has no name" | "nothing has a name" | "the context names no user" => None,
            "there is no such user" => Some("other"),
            _ => Some(name("jane")),
        };
        let cluster = cluster.map(|name| format!("cluster: {name}"));
        let user = user.map(|name| format!("user: {name}"));
        let mut context_fields: Vec<String> = cluster.into_iter().chain(user).collect();
        context_fields.extend(self.context.iter().copied().map(str::to_owned));
        let owned = |fields: &[&str]| {
            fields
                .iter()
                .map(|field| field.replace("{plugin}", self.answer))
                .collect::<Vec<_>>()
        };
        let directives: Vec<&str> = self
            .top
            .iter()
            .copied()
            .filter(|pick| pick.starts_with('%'))
            .collect();
        self.top.retain(|pick| !pick.starts_with('%'));
        let mut head = directives
            .iter()
            .map(|line| format!("{line}\n---\n"))
            .collect::<String>();
        head += &current
            .map(|name| format!("current-context: {name}\n"))
            .unwrap_or_default();
        head += &self
            .top
            .iter()
            .map(|line| format!("{line}\n"))
            .collect::<String>();
        let is_unnamed = |what: &str| {
            all || names == format!("the {what} has no name")
                || names.starts_with(&format!("the {what} has no name,"))
        };
        let contexts = self.list(
            "contexts",
            "context",
            (!is_unnamed("context")).then(|| name("dev")),
            &context_fields,
        );
        let clusters = self.list(
            "clusters",
            "cluster",
            (!is_unnamed("cluster")).then(|| name("dev")),
            &owned(&self.cluster),
        );
        let mut users = self.list(
            "users",
            "user",
            (!is_unnamed("user")).then(|| name("jane")),
            &owned(&self.user),
        );
        match names {
            "a user twice" => users += "- {name: jane, user: {token: twice}}\n",
            "an item is null" => users += "- ~\n",
            _ => {}
        }
        match self.layout {
            Some("the user by an alias") if !self.is_flow => {
                users = users.replace("  user:\n", "  user: &user\n") + "unknown: *user\n";
            }
            Some("the user by a merge key") if !self.is_flow => {
                users = users.replacen("users:\n", "", 1);
                let fields = users
                    .split_once("  user:\n")
                    .map_or("", |(_, fields)| fields)
                    .to_owned();
                users = format!(
                    "unknown: &user\n{fields}users:\n{}",
                    users.replace(&fields, "    <<: *user\n")
                );
            }
            _ => {}
        }
        if !self.is_split {
            return vec![self.laid_out(format!("{head}{contexts}{clusters}{users}"))];
        }
        let mut second = users;
        if self.is_shadowed {
            second += "contexts: [{name: dev, context: {cluster: shadowed, user: shadowed}}]\ncurrent-context: shadowed\n";
        }
        vec![format!("{head}{contexts}{clusters}"), second]
    }

    /// The text in another form that means the same.
    fn laid_out(&self, text: String) -> String {
        match self.layout.unwrap_or_default() {
            "carriage returns" => text.replace('\n', "\r\n"),
            "a byte order mark" => format!("\u{feff}{text}"),
            "tabs after values" => text.replace('\n', "\t\n"),
            "comments" => text.replace('\n', " # a comment: {\n"),
            "a second document" => text + "---\ncurrent-context: [\n",
            "an end marker, and more" => text + "...\ncurrent-context: [\n",
            "a zero byte at the end" => text + "\0",
            "keys in quotes" => text
                .replace("cluster:", "\"cluster\":")
                .replace("user:", "'user':"),
            layout @ ("JSON" | "JSON, and more") => match serde_yaml::from_str::<serde_json::Value>(&text) {
                Ok(value) if layout == "JSON" => value.to_string(),
                Ok(value) => format!("{value} more"),
                Err(_) => text,
            },
            _ => text,
        }
    }

    fn list(&self, list: &str, inner: &str, name: Option<&str>, fields: &[String]) -> String {
        let mut text = format!("{list}:\n");
        if self.is_flow {
            let name = name.map(|name| format!("name: {name}, ")).unwrap_or_default();
            return text + &format!("- {{{name}{inner}: {{{}}}}}\n", fields.join(", "));
        }
        match name {
            Some(name) => text += &format!("- name: {name}\n  {inner}:\n"),
            None => text += &format!("- {inner}:\n"),
        }
        for field in fields {
            // A pick may be two fields.
            let field = field.replace(", certificate-authority-data", "\n    certificate-authority-data");
            text += &format!("    {field}\n");
        }
        text
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "flags {:?}, variables {:?}", self.flags, self.environment)?;
        for file in &self.files {
            write!(f, "\n    {}", file.trim_end().replace('\n', "\n    "))?;
        }
        Ok(())
    }
}
