//! The plugins of the cases: what each prints. Those without a number of their own are one pick, by chance.

/// The plugins that a case may choose by name.
pub const NAMED: &[(&str, &str)] = &[
    ("token", ANSWER_V1),
    (
        "token-beta",
        r#"echo '{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"token":"plugin"}}'"#,
    ),
    (
        "arguments",
        r#"printf '{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"token":"arguments-%s-%s"}}' "$#" "$1""#,
    ),
    (
        "variable",
        r#"printf '{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"token":"variable-%s"}}' "$ANSWER""#,
    ),
    (
        "cluster",
        r#"set -- $(printf %s "$KUBERNETES_EXEC_INFO" | cksum)
printf '{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"token":"cluster-%s-%s"}}' $1 $2"#,
    ),
];

const ANSWER_V1: &str = r#"echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"plugin"}}'"#;

/// The answers that a case chooses by chance: the whole standard output.
pub const ANSWERS: &[(&str, &str)] = &[
    (
        "answer-token",
        r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"plugin"}}"#,
    ),
    (
        "answer-yaml",
        "apiVersion: client.authentication.k8s.io/v1\nkind: ExecCredential\nstatus: {token: plugin}",
    ),
    (
        "answer-blanks",
        r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":" plugin "}}"#,
    ),
    (
        "answer-non-ascii",
        r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"plügin"}}"#,
    ),
    (
        "answer-no-kind",
        r#"{"apiVersion":"client.authentication.k8s.io/v1","status":{"token":"plugin"}}"#,
    ),
    (
        "answer-other-kind",
        r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"Other","status":{"token":"plugin"}}"#,
    ),
    (
        "answer-no-version",
        r#"{"kind":"ExecCredential","status":{"token":"plugin"}}"#,
    ),
    (
        "answer-other-version",
        r#"{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"token":"plugin"}}"#,
    ),
    (
        "answer-no-status",
        r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential"}"#,
    ),
    (
        "answer-empty-status",
        r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{}}"#,
    ),
    (
        "answer-empty-token",
        r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":""}}"#,
    ),
    (
        "answer-number",
        r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":1}}"#,
    ),
    ("answer-nothing", ""),
    ("answer-text", "hello"),
    (
        "answer-expiry",
        r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"plugin","expirationTimestamp":"2100-01-01T00:00:00Z"}}"#,
    ),
    (
        "answer-expiry-fraction",
        r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"plugin","expirationTimestamp":"2100-01-01T00:00:00.5+01:00"}}"#,
    ),
    (
        "answer-expiry-blank",
        r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"plugin","expirationTimestamp":"2100-01-01 00:00:00Z"}}"#,
    ),
    (
        "answer-expiry-lower-case",
        r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"plugin","expirationTimestamp":"2100-01-01t00:00:00z"}}"#,
    ),
    (
        "answer-expiry-offset",
        r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"plugin","expirationTimestamp":"2100-01-01T00:00:00+0100"}}"#,
    ),
    (
        "answer-expiry-junk",
        r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"plugin","expirationTimestamp":"soon"}}"#,
    ),
    (
        "answer-expiry-null",
        r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"plugin","expirationTimestamp":null}}"#,
    ),
    (
        "answer-expiry-past",
        r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"plugin","expirationTimestamp":"2001-01-01T00:00:00Z"}}"#,
    ),
    (
        "answer-half",
        r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"plugin","clientCertificateData":"x"}}"#,
    ),
    (
        "answer-junk-pair",
        r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"plugin","clientCertificateData":"x","clientKeyData":"y"}}"#,
    ),
    (
        "answer-pair",
        r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"clientCertificateData":{certificate-json},"clientKeyData":{key-json}}}"#,
    ),
    (
        "answer-token-and-pair",
        r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"plugin","clientCertificateData":{certificate-json},"clientKeyData":{key-json}}}"#,
    ),
];
