//! The suite held against itself: what must fail, fails.

use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};

use super::case::{self, Case};
use super::facts::Facts;
use super::shown::Shown;
use super::world::World;
use super::{in_runtime, kubectl, kubex};

/// A kubeconfig of one user with a token, and what must come of it.
const GOOD: &str = r"
tells: A good one.
kubeconfig: |
  current-context: dev
  contexts: [{name: dev, context: {cluster: dev, user: jane}}]
  clusters: [{name: dev, cluster: {server: {server}, certificate-authority-data: {ca}}}]
  users: [{name: jane, user: {token: {token:jane}}}]
expect: {ok: {arrives: {authorization: bearer jane}}}
";

type Test = fn() -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let tests: [(&str, Test); 7] = [
        ("what_is_not_expected_fails", what_is_not_expected_fails),
        (
            "what_is_not_said_is_compared_too",
            what_is_not_said_is_compared_too,
        ),
        (
            "a_pending_case_that_passes_fails",
            a_pending_case_that_passes_fails,
        ),
        ("a_secret_that_shows_fails", a_secret_that_shows_fails),
        (
            "every_difference_is_declared_and_shows",
            every_difference_is_declared_and_shows,
        ),
        (
            "a_folder_without_a_case_file_fails",
            a_folder_without_a_case_file_fails,
        ),
        (
            "a_misspelt_word_of_a_case_file_fails",
            a_misspelt_word_of_a_case_file_fails,
        ),
    ];
    let trials = tests.map(|(name, test)| Trial::test(format!("itself::{name}"), test));
    trials.into()
}

fn parse(text: &str) -> Case {
    Case::parse("itself", &empty_folder(), text).expect("a case file")
}

/// A folder that adds no file to a case.
fn empty_folder() -> PathBuf {
    let source = Path::new(crate::client::CASES).join("user/token");
    assert!(source.is_dir());
    source
}

fn ensure(is_so: bool, what: &str) -> Result<(), Failed> {
    if is_so { Ok(()) } else { Err(what.into()) }
}

fn judge(case: &Case) -> Result<bool, Failed> {
    let verdict = in_runtime(kubex::ask(case))?;
    Ok(verdict.judge(case).is_ok())
}

fn what_is_not_expected_fails() -> Result<(), Failed> {
    ensure(judge(&parse(GOOD))?, "the good one passes")?;
    for (good, bad) in [
        ("bearer jane", "bearer joe"),
        (
            "{ok: {arrives: {authorization: bearer jane}}}",
            "{error: {kind: MissingUser}}",
        ),
        (
            "{ok: {arrives: {authorization: bearer jane}}}",
            "{not-configured: []}",
        ),
        ("{ok: {", "{ok: {namespace: other, "),
        ("{ok: {", "{ok: {fails: {kind: RequestFailed}, "),
        ("{ok: {", "{ok: {says: [no such word], "),
        ("{ok: {", "{ok: {provenance: {token: ':99:9'}, "),
        ("{ok: {", "{ok: {shadowed: [nobody], "),
    ] {
        ensure(!judge(&parse(&GOOD.replace(good, bad)))?, bad)?;
    }
    Ok(())
}

fn what_is_not_said_is_compared_too() -> Result<(), Failed> {
    for (plain, more) in [
        ("{token: {token:jane}}", "{token: {token:jane}, as: joe}"),
        (
            "{token: {token:jane}}",
            "{token: {token:jane}, client-key-data: {key:jane}}",
        ),
        ("user: jane}}]", "user: jane, namespace: team-a}}]"),
        (
            "certificate-authority-data: {ca}",
            "insecure-skip-tls-verify: true",
        ),
        (
            "certificate-authority-data: {ca}",
            "certificate-authority-data: {ca}, disable-compression: true",
        ),
    ] {
        ensure(!judge(&parse(&GOOD.replace(plain, more)))?, more)?;
    }
    Ok(())
}

fn a_pending_case_that_passes_fails() -> Result<(), Failed> {
    let pending = format!("{GOOD}pending: something\n");
    ensure(!judge(&parse(&pending))?, "one that passes fails")?;
    let waiting = pending.replace("bearer jane}", "bearer joe}");
    ensure(judge(&parse(&waiting))?, "one that fails is left waiting")
}

fn a_secret_that_shows_fails() -> Result<(), Failed> {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;

    in_runtime(async {
        let world = World::of(&parse(GOOD)).await?;
        let token = world.text("{token:jane}");
        let key = world.text("{key:jane}");
        let pem = world.text("{key-pem:jane}");
        let line = pem.lines().nth(1).unwrap_or_default();
        let shapes = [
            token.clone(),
            token[..8].to_owned(),
            BASE64_STANDARD.encode(&token),
            BASE64_STANDARD.encode(format!("x{token}")),
            BASE64_STANDARD.encode(format!("xx{token}")),
            line.to_owned(),
            key,
        ];
        for shape in &shapes {
            let shown = Shown::default();
            shown.add(&format!("an error about {shape}"));
            assert!(!shown.leaks(&world.words).is_empty(), "{shape} is not found");
        }
        let shown = Shown::default();
        shown.add("an error about nothing");
        assert!(shown.leaks(&world.words).is_empty());
        Ok(())
    })
}

fn every_difference_is_declared_and_shows() -> Result<(), Failed> {
    let facts = |authorization: &str| {
        Facts::from([
            ("outcome", "arrived".to_owned()),
            ("authorization", authorization.to_owned()),
        ])
    };
    let declared = format!("{GOOD}kubectl: {{differs: {{authorization: none}}, decision: because}}\n");
    let problems = |text: &str, observed: Facts| {
        in_runtime(async {
            let case = parse(text);
            let world = World::of(&case).await?;
            Ok(kubectl::judge(&case, &world, &facts("bearer jane"), &observed).len())
        })
    };
    ensure(problems(GOOD, facts("bearer jane"))? == 0, "no difference")?;
    ensure(problems(GOOD, facts("none"))? == 1, "an undeclared difference")?;
    ensure(problems(&declared, facts("none"))? == 0, "a declared difference")?;
    ensure(
        problems(&declared, facts("bearer jane"))? == 1,
        "one that does not show",
    )?;
    ensure(
        problems(&declared, facts("basic jane"))? == 1,
        "one that is another",
    )
}

fn a_folder_without_a_case_file_fails() -> Result<(), Failed> {
    let root = tempfile::tempdir()?;
    std::fs::create_dir_all(root.path().join("group/case"))?;
    let problem = case::all(root.path()).err().unwrap_or_default();
    ensure(problem.contains("group/case/case.yaml"), &problem)
}

fn a_misspelt_word_of_a_case_file_fails() -> Result<(), Failed> {
    for (good, bad) in [
        ("tells:", "tell:"),
        ("arrives:", "arrive:"),
        ("tells: A good one.", "tells: ''"),
        ("expect:", "kubectl: {differs: {sni: x}}\nexpect:"),
    ] {
        let parsed = Case::parse("itself", &empty_folder(), &GOOD.replace(good, bad));
        ensure(parsed.is_err(), bad)?;
    }
    Ok(())
}
