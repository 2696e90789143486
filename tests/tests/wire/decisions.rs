//! The decisions to differ from kubectl: which difference belongs to which row of `docs/kubeconfig.md`.

use super::case::Case;
use super::world::Outcome;

/// A decision, and the differences that it explains.
pub struct Decision {
    pub id: &'static str,
    /// The first cell of its row in the documentation.
    pub row: &'static str,
    difference: Difference,
    /// What is said by the one who refuses.
    says: &'static [&'static str],
    /// The picks or flags of which the case has one, by their beginning; any case if there is none.
    of: &'static [&'static str],
}

enum Difference {
    KubexRefuses,
    KubectlRefuses,
    /// Both requests arrive, and only these parts of them differ.
    Differs(&'static [&'static str]),
}

use Difference::{Differs, KubectlRefuses, KubexRefuses};

#[derive(Debug)]
pub enum Verdict {
    SameArrived,
    SameRefused,
    Decided(&'static str),
    Unexplained,
}

pub const DECISIONS: &[Decision] = &[
    Decision {
        id: "no-credential",
        row: "a user without a credential",
        difference: KubectlRefuses,
        says: &["error: EOF"],
        of: &[],
    },
    Decision {
        id: "word-for-a-name",
        row: "a name or a token that is `yes`, `no`, `on`, `off`, `y`, `n`",
        difference: KubectlRefuses,
        says: &["cannot unmarshal bool into Go struct field"],
        of: &["token: yes", "token: n", "namespace: no", "the names are words"],
    },
    Decision {
        id: "blank-of-another-type",
        row: "`\"\"` for a boolean or a map, `[]` for a map",
        difference: KubectlRefuses,
        says: &["cannot unmarshal string into Go struct field"],
        of: &["insecure-skip-tls-verify: ''"],
    },
    Decision {
        id: "question-mark-within-braces",
        row: "a `?` in an unquoted value within braces or brackets",
        difference: KubectlRefuses,
        says: &["did not find expected ',' or '}'"],
        of: &["proxy-url: HTTP://{http-proxy}/path?q"],
    },
    Decision {
        id: "unknown-tag",
        row: "a tag that YAML does not define (`!x`) on a number, a boolean or null",
        difference: KubexRefuses,
        says: &["a value with an unknown tag"],
        of: &["token: !x 12", "unknown: !x 1"],
    },
    Decision {
        id: "user-in-the-server",
        row: "a user name or a password in `server`",
        difference: KubexRefuses,
        says: &["the server's address contains a user name or a password"],
        of: &["server: https://u:p@"],
    },
    Decision {
        id: "fragment-of-the-server",
        row: "`server` with a fragment, or with a query and without a path",
        // A plugin of the suite answers with a digest of its input.
        difference: Differs(&["path", "authorization"]),
        says: &[],
        of: &[
            "server: 'https://127.0.0.1:{port}/#f'",
            "server: 'https://127.0.0.1:{port}?x'",
        ],
    },
    Decision {
        id: "control-character-in-a-token",
        row: "a token with control characters",
        difference: KubexRefuses,
        says: &["the token contains a control character"],
        of: &["token: \"\\tabc\"", "token: \"a\\tb\"", "token: \"a\\u0080b\""],
    },
    Decision {
        id: "blank-token",
        row: "a token of white space only",
        difference: KubexRefuses,
        says: &["the token is empty"],
        of: &["token: '  '"],
    },
    Decision {
        id: "white-space-in-a-header",
        row: "white space at the end of a token, or at the ends of a name to impersonate",
        difference: Differs(&["authorization", "impersonation"]),
        says: &[],
        of: &[
            "token: 'abc '",
            "token: \"abc\\t\"",
            "token= flag ",
            "as: ' jane '",
            "as-groups: [' dev '",
            "as-user-extra: {a: [x, x, ' y '",
            "answer-blanks",
        ],
    },
    Decision {
        id: "mistake-that-http-hides",
        row: "a mistake in the user or in the trust, with an `http://` server",
        difference: KubexRefuses,
        says: &[
            "the auth provider",
            "auth-provider",
            "and only one can apply",
            "expected a host name or an IP address",
            "not valid base64",
            "not PEM",
            "contains no",
            "does not exist",
        ],
        of: HTTP,
    },
    Decision {
        id: "file-that-http-does-not-need",
        row: "a mistake in the user or in the trust, with an `http://` server",
        difference: KubectlRefuses,
        says: &["unable to read client-", "no such file or directory"],
        of: HTTP,
    },
    Decision {
        id: "compression-over-http",
        row: "`disable-compression`, with an `http://` server and without `proxy-url`",
        difference: Differs(&["compression"]),
        says: &[],
        of: HTTP,
    },
    Decision {
        id: "host-in-upper-case",
        row: "a host name in upper case",
        difference: Differs(&["proxy", "authorization"]),
        says: &[],
        of: &["server: 'https://LOCALHOST"],
    },
    Decision {
        id: "port-with-a-zero-in-front",
        row: "`server` with a port that begins with zero, through a proxy",
        difference: Differs(&["proxy"]),
        says: &[],
        of: &["server: 'https://127.0.0.1:0{port}'"],
    },
    Decision {
        id: "port-beyond-all-ports",
        row: "`server` with a port above 65535, through a proxy",
        difference: KubexRefuses,
        says: &["invalid port number"],
        of: &["server: https://127.0.0.1:99999"],
    },
    Decision {
        id: "entry-that-is-not-selected",
        row: "invalid base64, a wrong type or a missing file, in an entry that is not selected",
        difference: KubectlRefuses,
        says: &["cannot unmarshal", "illegal base64 data", "unsupported value"],
        of: &[
            "the context names no user",
            "there is no such user",
            "user=",
            "cluster=",
        ],
    },
    Decision {
        id: "form-of-an-ipv6-address",
        row: "an IPv6 address that is not in its shortest form, such as `[::ffff:127.0.0.1]`",
        difference: Differs(&["proxy"]),
        says: &[],
        of: &["server: 'https://[::ffff:127.0.0.1]"],
    },
    Decision {
        id: "socks5h",
        row: "`socks5h` in `proxy-url`",
        difference: KubectlRefuses,
        says: &[
            "unsupported scheme \\\"socks5h\\\"",
            "unsupported scheme \"socks5h\"",
        ],
        of: &["proxy-url: socks5h"],
    },
    Decision {
        id: "override-of-another-credential",
        row: "an override of the token, the token file or the user name, over another one of them",
        difference: KubectlRefuses,
        says: &[
            "more than one authentication method found",
            "username/password or bearer token may be set, but not both",
        ],
        of: &["token=", "token= ", "username=", "password="],
    },
    Decision {
        id: "nothing-of-this-name",
        row: "a kubeconfig without `current-context`, or a context, cluster or user that does not exist, or a cluster without `server`",
        difference: KubexRefuses,
        says: &[
            "there is no user",
            "there is no cluster",
            "the context names no cluster",
            "the kubeconfig selects no context",
        ],
        of: &[],
    },
    Decision {
        id: "mistake-that-is-overridden",
        row: "a mistake in a field that an override replaces",
        difference: KubectlRefuses,
        says: &["cannot unmarshal", "illegal base64 data"],
        of: &[
            "as=",
            "as-uid=",
            "certificate-authority=",
            "client-certificate=",
            "client-key=",
            "disable-compression=",
            "insecure-skip-tls-verify=",
            "namespace=",
            "password=",
            "server=",
            "tls-server-name=",
            "token=",
            "username=",
        ],
    },
    Decision {
        id: "no-override-to-false",
        row: "an override `insecure-skip-tls-verify: false` of `true`",
        difference: KubexRefuses,
        says: &["certificate"],
        of: &["insecure-skip-tls-verify=false"],
    },
    Decision {
        id: "override-to-false-beside-an-authority",
        row: "an override `insecure-skip-tls-verify: false` of `true`",
        difference: KubectlRefuses,
        says: &["specifying a root certificates file with the insecure flag"],
        of: &["insecure-skip-tls-verify=false"],
    },
    Decision {
        id: "tls-server-name-of-no-host",
        row: "`tls-server-name` that is not a host name, with `insecure-skip-tls-verify`",
        difference: KubexRefuses,
        says: &["expected a host name or an IP address"],
        of: &["tls-server-name: 'a b'"],
    },
    Decision {
        id: "brackets-of-a-tls-server-name",
        row: "brackets around an IPv6 address in `tls-server-name`, for a plugin",
        // A plugin of the suite answers with a digest of its input.
        difference: Differs(&["authorization"]),
        says: &[],
        of: &["tls-server-name: '[::1]'"],
    },
    Decision {
        id: "auth-provider-ignored",
        row: "`auth-provider` together with another credential",
        difference: KubectlRefuses,
        says: &["auth plugin has been removed", "o Auth Provider found"],
        of: &["auth-provider:"],
    },
    Decision {
        id: "exec-ignored",
        row: "an `exec` that never runs, with an `apiVersion` that does not exist",
        difference: KubectlRefuses,
        says: &["exec plugin: invalid apiVersion"],
        of: &["exec:"],
    },
    Decision {
        id: "override-of-a-password-alone",
        row: "an override of the password, without a user name",
        difference: KubexRefuses,
        says: &["there is no user name"],
        of: &["password="],
    },
    Decision {
        id: "override-of-a-token-file",
        row: "an override of the token, the token file or the user name, over another one of them",
        difference: Differs(&["authorization"]),
        says: &[],
        of: &["token=", "token= "],
    },
    Decision {
        id: "override-of-a-missing-token-file",
        row: "an override of the token, the token file or the user name, over another one of them",
        difference: KubectlRefuses,
        says: &["no such file or directory"],
        of: &["username=", "token="],
    },
];

/// Addresses without TLS, and the override by one.
const HTTP: &[&str] = &["server: http://", "server: HTTP://", "server=http://"];

/// What the difference belongs to, if there is one. If both requests arrive, each part that differs may belong to another
/// decision; the first one is returned.
pub fn judge(case: &Case, kubex: &Outcome, kubectl: &Outcome) -> Verdict {
    let decided = match (kubex, kubectl) {
        (Outcome::Refused(_), Outcome::Refused(_)) => return Verdict::SameRefused,
        (one, other) if one == other => return Verdict::SameArrived,
        (Outcome::Arrived(one), Outcome::Arrived(other)) => {
            let differing = one.iter().filter(|(part, value)| other.get(*part) != Some(value));
            let decisions = differing.map(|(part, _)| {
                DECISIONS
                    .iter()
                    .find(|decision| decision.is_of(case) && decision.differs_in(part))
            });
            let decisions: Option<Vec<_>> = decisions.collect();
            decisions.and_then(|decisions| decisions.first().copied())
        }
        _ => DECISIONS
            .iter()
            .find(|decision| decision.is_of(case) && decision.refuses(kubex, kubectl)),
    };
    decided.map_or(Verdict::Unexplained, |decision| Verdict::Decided(decision.id))
}

impl Decision {
    fn is_of(&self, case: &Case) -> bool {
        let mut picks = case.picks.iter().chain(&case.flags);
        self.of.is_empty() || picks.any(|of| self.of.iter().any(|pick| of.starts_with(pick)))
    }

    /// Whether one of the two refuses by this decision.
    fn refuses(&self, kubex: &Outcome, kubectl: &Outcome) -> bool {
        let says = |said: &str| self.says.is_empty() || self.says.iter().any(|says| said.contains(says));
        match (&self.difference, kubex, kubectl) {
            (KubexRefuses, Outcome::Refused(said), Outcome::Arrived(_))
            | (KubectlRefuses, Outcome::Arrived(_), Outcome::Refused(said)) => says(said),
            _ => false,
        }
    }

    /// Whether this part of the requests may differ.
    fn differs_in(&self, part: &str) -> bool {
        matches!(&self.difference, Differs(parts) if parts.contains(&part))
    }
}
