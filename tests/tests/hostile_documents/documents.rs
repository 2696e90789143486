//! Kubeconfigs that are made to hurt, of any size: each kind repeats one thing until the document is full.

/// How the document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Block,
    Flow,
    Json,
}

/// A kind of hostile document: what is repeated, and where.
pub type Kind = (&'static str, fn(&mut Filler));

pub const KINDS: &[Kind] = &[
    ("contexts", |filler| {
        filler.items("", "contexts", |n| {
            format!("{{\"name\": \"n{n}\", \"context\": {{\"cluster\": \"c\"}}}}")
        });
    }),
    ("users", |filler| {
        filler.items("", "users", |n| format!("{{\"name\": \"n{n}\"}}"));
    }),
    ("items without content", |filler| {
        filler.items("", "users", |_| "{}".to_owned());
    }),
    ("clusters of one name", |filler| {
        filler.items("", "clusters", |_| "{\"name\": \"x\"}".to_owned());
    }),
    ("long names", |filler| {
        filler.items("", "users", |n| {
            format!("{{\"name\": \"{n}{}\"}}", "n".repeat(100_000))
        });
    }),
    ("names that are almost the wanted one", |filler| {
        filler.items("missing", "users", |n| {
            format!("{{\"name\": \"jan{}{}\"}}", n % 10, n)
        });
    }),
    ("unknown keys", |filler| {
        filler.keys("", |n| (format!("k{n}"), "1".to_owned()));
    }),
    ("keys that are almost fields", |filler| {
        filler.keys("", |n| (format!("context{n}"), "1".to_owned()));
    }),
    ("long keys", |filler| {
        filler.keys("", |n| (format!("token{n}{}", "n".repeat(1000)), "1".to_owned()));
    }),
    ("keys in the user", |filler| {
        filler.keys("user", |n| (format!("token{n}"), "1".to_owned()));
    }),
    ("keys in the cluster", |filler| {
        filler.keys("cluster", |n| (format!("s{n}"), "1".to_owned()));
    }),
    ("keys in exec", |filler| {
        filler.keys("exec", |n| (format!("arg{n}"), "1".to_owned()));
    }),
    ("args", |filler| {
        filler.items("exec", "args", |_| "\"a\"".to_owned());
    }),
    ("env", |filler| {
        filler.items("exec", "env", |n| {
            format!("{{\"name\": \"N{n}\", \"value\": \"v\"}}")
        });
    }),
    ("groups", |filler| {
        filler.items("user", "as-groups", |n| format!("\"g{n}\""));
    }),
    ("as-user-extra", |filler| {
        filler.keys("extra", |n| (format!("k{n}"), "[\"v\"]".to_owned()));
    }),
    ("values of one key of as-user-extra", |filler| {
        filler.items("extra", "k", |_| "\"v\"".to_owned());
    }),
    ("config of an auth provider", |filler| {
        filler.keys("config", |n| (format!("k{n}"), "\"v\"".to_owned()));
    }),
    ("extensions", |filler| {
        filler.items("cluster", "extensions", |n| {
            format!("{{\"name\": \"e{n}\", \"extension\": {{}}}}")
        });
    }),
    ("an extension", |filler| {
        filler.items("extension", "x", |n| format!("{{\"a\": [{n}, null]}}"));
    }),
    ("a token", |filler| filler.text("user", "token", "t")),
    ("a token of escapes", |filler| {
        filler.text("user", "token", "\\u0061");
    }),
    ("a certificate", |filler| {
        filler.text("user", "client-certificate-data", "QUJD");
    }),
    ("an authority", |filler| {
        filler.text("cluster", "certificate-authority-data", "QUJD");
    }),
    ("a server", |filler| filler.text("cluster", "server", "https://")),
    ("a name", |filler| filler.text("", "current-context", "n")),
    ("aliases", |filler| filler.aliases("*a")),
    ("merge keys", |filler| filler.aliases("{\"<<\": *a}")),
    ("open brackets", |filler| filler.text_of("[")),
    ("open braces", |filler| filler.text_of("{\"a\": ")),
    ("dashes", |filler| filler.text_of("- ")),
    ("spaces", |filler| filler.text_of("a: b          ")),
    ("lines", |filler| filler.text_of("a: |\n\n\n")),
    ("comments", |filler| filler.text_of("# a comment\n")),
];

/// Fills a document.
pub struct Filler {
    form: Form,
    bytes: usize,
    text: String,
    selects: bool,
}

/// A document of this kind, of about so many bytes.
pub fn document(kind: fn(&mut Filler), form: Form, bytes: usize) -> String {
    let mut filler = Filler {
        form,
        bytes,
        text: String::with_capacity(bytes + 4096),
        selects: false,
    };
    kind(&mut filler);
    filler.text
}

impl Filler {
    /// A list of this key, in this place.
    fn items(&mut self, place: &str, key: &str, item: impl Fn(usize) -> String) {
        let (before, after) = self.around(place);
        self.text.push_str(&before);
        let block = self.form == Form::Block;
        self.text
            .push_str(&format!("\"{key}\": {}", if block { "\n" } else { "[" }));
        let indent = if before.ends_with('\n') || before.is_empty() {
            String::new()
        } else {
            " ".repeat(64)
        };
        for number in 0.. {
            if self.text.len() >= self.bytes {
                break;
            }
            if block {
                self.text.push_str(&indent);
                self.text.push_str("- ");
            }
            self.text.push_str(&item(number));
            self.text.push_str(if block { "\n" } else { ", " });
        }
        if !block {
            self.text.push_str("{\"name\": \"last\"}]");
        }
        self.text.push_str(&after);
    }

    /// Keys and their values, in this place.
    fn keys(&mut self, place: &str, entry: impl Fn(usize) -> (String, String)) {
        let (before, after) = self.around(place);
        self.text.push_str(&before);
        let block = self.form == Form::Block && place.is_empty();
        for number in 0.. {
            if self.text.len() >= self.bytes {
                break;
            }
            let (key, value) = entry(number);
            let end = if block { "\n" } else { ", " };
            self.text.push_str(&format!("\"{key}\": {value}{end}"));
        }
        self.text.push_str("\"last\": 1");
        self.text.push_str(&after);
    }

    /// One text as the value of a key.
    fn text(&mut self, place: &str, key: &str, part: &str) {
        let (before, after) = self.around(place);
        self.text.push_str(&before);
        self.text.push_str(&format!("\"{key}\": \""));
        while self.text.len() < self.bytes {
            self.text.push_str(part);
        }
        self.text.push('"');
        self.text.push_str(&after);
    }

    fn aliases(&mut self, item: &str) {
        self.text.push_str(if self.form == Form::Block {
            "a: &a {b: c}\nusers:\n"
        } else {
            "{\"a\": &a {\"b\": \"c\"}, \"users\": ["
        });
        while self.text.len() < self.bytes {
            if self.form == Form::Block {
                self.text.push_str(&format!("- {item}\n"));
            } else {
                self.text.push_str(&format!("{item}, "));
            }
        }
        if self.form != Form::Block {
            self.text.push_str("{}]}");
        }
    }

    fn text_of(&mut self, part: &str) {
        if self.form == Form::Json {
            self.text.push_str("{\"a\": ");
        }
        while self.text.len() < self.bytes {
            self.text.push_str(part);
        }
    }

    /// What stands before and behind the place.
    fn around(&mut self, place: &str) -> (String, String) {
        self.selects = true;
        if place.is_empty() && self.form == Form::Block {
            return (String::new(), "\n".to_owned());
        }
        let user = |inner: &str| {
            format!(
                "\"current-context\": \"c\", \"contexts\": [{{\"name\": \"c\", \"context\": {{\"cluster\": \"c\", \"user\": \
                 \"u\"}}}}], \"clusters\": [{{\"name\": \"c\", \"cluster\": {{\"server\": \"https://10.0.0.1\"}}}}], \
                 \"users\": [{{\"name\": \"u\", \"user\": {{{inner}"
            )
        };
        let cluster = |inner: &str| {
            format!(
                "\"current-context\": \"c\", \"contexts\": [{{\"name\": \"c\", \"context\": {{\"cluster\": \"c\"}}}}], \
                 \"clusters\": [{{\"name\": \"c\", \"cluster\": {{{inner}"
            )
        };
        let exec =
            "\"exec\": {\"apiVersion\": \"client.authentication.k8s.io/v1beta1\", \"command\": \"x\", ";
        let (before, after) = match place {
            "missing" => ("\"current-context\": \"c\", \"contexts\": [{\"name\": \"c\", \"context\": {\"cluster\": \"c\", \"user\": \
                 \"jane\"}}], \"clusters\": [{\"name\": \"c\", \"cluster\": {\"server\": \"https://10.0.0.1\"}}], ".to_owned(), ""),
            "user" => (user("\"as\": \"jane\", "), "}}]"),
            "exec" => (user(exec), "}}}]"),
            "extra" => (user("\"as\": \"jane\", \"as-user-extra\": {"), "}}}]"),
            "config" => (user("\"auth-provider\": {\"name\": \"oidc\", \"config\": {"), "}}}}]"),
            "cluster" => (cluster("\"server\": \"https://10.0.0.1\", "), "}}]"),
            "extension" => (
                cluster("\"server\": \"https://10.0.0.1\", \"extensions\": [{\"name\": \"e\", \"extension\": {"),
                "}}]}}]",
            ),
            _ => (String::new(), ""),
        };
        match self.form {
            // Within the outermost mapping, so that block lists do not stand in a flow collection.
            Form::Block if !place.is_empty() => {
                self.form = Form::Flow;
                (format!("{{{before}"), format!("{after}}}"))
            }
            Form::Block => (before, after.to_owned()),
            Form::Flow => (format!("{{ # flow\n{before}"), format!("{after}}}")),
            Form::Json => (format!("{{{before}"), format!("{after}}}")),
        }
    }
}
