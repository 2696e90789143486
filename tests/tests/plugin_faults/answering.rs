//! Answers that are not valid, and answers that are too much to ask.

use std::collections::BTreeSet;
use std::time::Duration;

use kubex::host::Exit;
use kubex::{Error, ErrorKind};
use kubex_tests::log::Log;

use crate::plugin::{Plugin, answer, printing, shown, simulated, token, token_of, world, world_that_says};

/// Stands where a plugin would have its token, and must not be shown.
const SECRET: &str = "s3cret-marker-of-the-output";

async fn refused(printed: &str) -> Error {
    let error = printing(printed).await.unwrap_err();
    let shown = shown(&error);
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(shown.contains("exec plugin cloud"), "{shown}");
    error
}

/// Row 8: exit 1 with standard error. The error has it, cleaned and masked, and nothing of standard output.
#[tokio::test]
async fn fault_08_a_plugin_that_fails_is_quoted_cleaned_and_without_secrets() {
    let plugin = Plugin::new(&format!(
        "printf '{{\"status\":{{\"token\":\"{SECRET}\"}}}}'\n\
         printf '\\033[31mno login\\033[0m: got {SECRET}, begins with s3cret-marker, Bearer abcdef\\r\\n' >&2\n\
         printf 'see \\342\\200\\256gpj.exe and run cloud login\\n' >&2\nexit 1"
    ));
    let error = plugin
        .credentials(Duration::from_secs(20))
        .await
        .current()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PluginFailed);
    let quoted = "failed with exit code 1; stderr: U+001B[31mno loginU+001B[0m: got [masked], begins with [masked], \
                  Bearer [masked]\nsee U+202Egpj.exe and run cloud login";
    assert!(error.message().ends_with(quoted), "{error}");
    assert!(!shown(&error).contains("s3cret"), "{error:?}");
}

/// Row 9: exit 0, and nothing printed.
#[tokio::test]
async fn fault_09_a_plugin_that_prints_nothing_is_an_error() {
    for script in ["true", "echo; echo '  '", "echo please log in first >&2"] {
        let plugin = Plugin::new(script);
        let error = plugin
            .credentials(Duration::from_secs(20))
            .await
            .current()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::EmptyOutput, "{script}: {error}");
        assert_eq!(
            error.message().ends_with(": please log in first"),
            script.contains("log in")
        );
    }
}

/// Row 10: garbage, JSON cut at every byte, JSON with text after it. A typed error without the content.
#[tokio::test]
async fn fault_10_an_answer_that_cannot_be_read_is_an_error_without_its_content() {
    let whole = answer(&format!(r#"{{"token":"{SECRET}"}}"#));
    assert_eq!(token_of(&printing(&whole).await.unwrap()), SECRET);
    for end in 1..whole.len() {
        let error = refused(&whole[..end]).await;
        assert_eq!(error.kind(), ErrorKind::MalformedOutput, "cut at {end}");
    }
    for garbage in [
        format!("{whole}{SECRET}"),
        format!("{whole}\n{whole}"),
        format!("Warning: {SECRET}\n{whole}"),
        SECRET.to_owned(),
        format!("<html>{SECRET}</html>"),
        format!("\u{0}\u{1}\u{2}{SECRET}"),
        "[".repeat(500_000),
        format!("{}{SECRET}", "{\"a\":".repeat(100_000)),
    ] {
        assert_eq!(refused(&garbage).await.kind(), ErrorKind::MalformedOutput);
    }
    println!("row 10: {} cuts and 8 kinds of garbage", whole.len() - 1);
}

/// Row 10, as a real process.
#[tokio::test]
async fn fault_10_bytes_that_are_not_text_are_an_error() {
    let plugin = Plugin::new("head -c 100000 /dev/urandom");
    let error = plugin
        .credentials(Duration::from_secs(20))
        .await
        .current()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MalformedOutput, "{error}");
    assert!(error.to_string().len() < 400, "{error}");
}

/// Row 11: YAML instead of JSON.
#[tokio::test]
async fn fault_11_an_answer_in_yaml_is_taken() {
    let plugin = Plugin::new(
        "cat <<'END'\n# comes from a template\napiVersion: client.authentication.k8s.io/v1\n\
         kind: ExecCredential\nstatus:\n  token: |-\n    in-yaml\nEND",
    );
    assert_eq!(
        token(&plugin.credentials(Duration::from_secs(20)).await).await,
        "in-yaml"
    );
}

/// Row 12: other apiVersion, other kind, no status, no token and no pair, half a pair, a key that does not
/// match. Each has an error of its own.
#[tokio::test]
async fn fault_12_each_part_that_is_wrong_has_an_error_of_its_own() {
    let pem = |text: String| serde_json::Value::from(text).to_string();
    let pairs = ["jane", "john"].map(|name| {
        let pair = rcgen::generate_simple_self_signed(vec![name.into()]).unwrap();
        (pem(pair.cert.pem()), pem(pair.signing_key.serialize_pem()))
    });
    let [(certificate, key), (_, other_key)] = pairs;
    let token = format!(r#"{{"token":"{SECRET}"}}"#);
    let good = answer(&token);
    let mut messages = BTreeSet::new();
    for (printed, kind) in [
        (good.replace("/v1", "/v1beta1"), ErrorKind::VersionMismatch),
        (
            good.replace("client.authentication.k8s.io/v1", ""),
            ErrorKind::VersionMismatch,
        ),
        (good.replace("ExecCredential", "Status"), ErrorKind::KindMismatch),
        (answer("null"), ErrorKind::MissingStatus),
        (answer("{}"), ErrorKind::MissingCredential),
        (
            answer(&format!(
                r#"{{"token":"{SECRET}","clientCertificateData":{certificate}}}"#
            )),
            ErrorKind::MalformedOutput,
        ),
        (
            answer(&format!(r#"{{"clientKeyData":{key}}}"#)),
            ErrorKind::MalformedOutput,
        ),
        (
            answer(&format!(
                r#"{{"clientCertificateData":{certificate},"clientKeyData":{other_key}}}"#
            )),
            ErrorKind::MalformedOutput,
        ),
        (
            answer(&format!(
                r#"{{"clientCertificateData":"{SECRET}","clientKeyData":{key}}}"#
            )),
            ErrorKind::MalformedOutput,
        ),
        (
            answer(&format!(
                r#"{{"clientCertificateData":{certificate},"clientKeyData":"{SECRET}"}}"#
            )),
            ErrorKind::MalformedOutput,
        ),
    ] {
        let error = refused(&printed).await;
        assert_eq!(error.kind(), kind, "{error}");
        assert!(
            messages.insert(error.message().to_owned()),
            "said of another, too: {error}"
        );
    }
    let pair = answer(&format!(
        r#"{{"clientCertificateData":{certificate},"clientKeyData":{key}}}"#
    ));
    assert!(printing(&pair).await.unwrap().certificate().is_some());
}

/// Row 13: an expiry that is none.
#[tokio::test]
async fn fault_13_an_expiry_that_is_not_a_time_is_an_error() {
    for expiry in [
        r#""tomorrow""#,
        r#""2030-13-01T00:00:00Z""#,
        r#""2030-01-01""#,
        "1893456000",
        "true",
        r#"["2030-01-01T00:00:00Z"]"#,
    ] {
        let status = format!(r#"{{"token":"{SECRET}","expirationTimestamp":{expiry}}}"#);
        let error = refused(&answer(&status)).await;
        assert_eq!(error.kind(), ErrorKind::MalformedOutput, "{expiry}");
        assert!(error.message().contains("expirationTimestamp"), "{error}");
    }
}

/// Row 13: expired on arrival. Used once, one run, back-off, and a warning about the clock.
#[tokio::test]
async fn fault_13_a_credential_that_comes_expired_is_used_once() {
    let (log, _guard) = Log::capture();
    let world = world(&answer(
        r#"{"token":"late","expirationTimestamp":"2029-12-31T23:59:59Z"}"#,
    ));
    let credentials = simulated(&world).await;
    assert_eq!(token(&credentials).await, "late");
    for _ in 0..100 {
        let error = credentials.current().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Expired);
        assert!(error.to_string().contains("clock"), "{error}");
    }
    assert_eq!(world.runs(), 1, "there is a back-off");
    let warnings = log.lines("WARN").join("\n");
    assert!(
        warnings.contains("WARN") && warnings.contains("clock"),
        "{warnings}"
    );
    assert!(!warnings.contains("late\""), "{warnings}");
    world.advance(Duration::from_secs(61));
    assert_eq!(token(&credentials).await, "late");
    assert_eq!(world.runs(), 2);
}

/// Row 13: a life of one second. No hot loop.
#[tokio::test]
async fn fault_13_a_credential_of_one_second_makes_no_hot_loop() {
    let world = world("");
    let clock = world.clone();
    world.run_processes(move |_| {
        let expiry = kubex::time::rfc3339(clock.host().now().wall + Duration::from_secs(1));
        let printed = answer(&format!(
            r#"{{"token":"brief","expirationTimestamp":"{expiry}"}}"#
        ));
        Ok(kubex::host::ProcessOutput {
            exit: Exit::Status(0),
            output: printed.into_bytes().into(),
            error: Vec::new().into(),
        })
    });
    let credentials = simulated(&world).await;
    for _ in 0..1_000 {
        assert_eq!(token(&credentials).await, "brief");
    }
    assert_eq!(world.runs(), 1);
    for _ in 0..100 {
        world.advance(Duration::from_millis(100));
        for _ in 0..10 {
            assert_eq!(token(&credentials).await, "brief");
            tokio::task::yield_now().await;
        }
    }
    let runs = world.runs();
    println!("row 13: {runs} runs in 10 s of a credential that lives for 1 s, asked for 2000 times");
    assert!((10..=21).contains(&runs), "{runs} runs in ten seconds");
}

/// Row 14: a token with a line break or a zero byte, and one of a megabyte.
#[tokio::test]
async fn fault_14_a_token_that_cannot_travel_is_an_error() {
    for end in [r"\r\nX-Evil: 1", r"\n", r"\r", r"\u0000", r"\u0007", r"\u007f"] {
        let error = refused(&answer(&format!(r#"{{"token":"{SECRET}{end}"}}"#))).await;
        assert_eq!(error.kind(), ErrorKind::MalformedOutput, "{end}");
    }
    let large = SECRET.repeat(1_000_000 / SECRET.len());
    let error = refused(&answer(&format!(r#"{{"token":"{large}"}}"#))).await;
    assert_eq!(error.kind(), ErrorKind::MalformedOutput);
    assert!(shown(&error).len() < 2_000);
}

/// Rows 8 and 9: what was said stays with the error of an answer that is unfit.
#[tokio::test]
async fn fault_10_the_error_of_an_invalid_answer_contains_stderr() {
    let world = world_that_says(Exit::Status(0), "oops", "session ended, log in again");
    let error = simulated(&world).await.current().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MalformedOutput);
    assert!(
        error.message().ends_with("stderr: session ended, log in again"),
        "{error}"
    );
}
