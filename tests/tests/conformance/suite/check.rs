//! What Kubex answered, held against what the case expects.

use kubex::{ClientConfiguration, Credential, Error, Report};

use super::case::{Case, Configured, Expect, Refusal};
use super::facts::{self, Facts, NOT_CONFIGURED, REFUSED};
use super::kubex::Answer;
use super::world::World;

/// What is not as the case expects.
pub fn problems(case: &Case, world: &World, answer: &Answer) -> Vec<String> {
    let mut observed = facts::observed(world);
    let mut problems = Vec::new();
    match (&case.file.expect, &answer.configuration) {
        (Expect::Ok(expected), Ok((configuration, report))) => {
            problems.extend(check_configured(
                expected,
                world,
                configuration,
                report.as_ref(),
                answer,
            ));
            if answer.sent.is_err() {
                observed.insert("outcome", REFUSED.to_owned());
            }
        }
        (Expect::Error(expected), Err(error)) if !is_nothing_configured(error) => {
            problems.extend(check_error(expected, world, error));
            observed.insert("outcome", REFUSED.to_owned());
        }
        (Expect::NotConfigured(words), Err(error)) if is_nothing_configured(error) => {
            problems.extend(check_words(words, &[], world, &error.to_string()));
            observed.insert("outcome", NOT_CONFIGURED.to_owned());
        }
        (_, Ok((configuration, report))) => {
            let report = report.as_ref().map(ToString::to_string).unwrap_or_default();
            problems.push(format!("it resolves: {report}\n{configuration:?}"));
        }
        (_, Err(error)) => problems.push(format!("it does not resolve: {error:?}")),
    }
    if problems.is_empty() || answer.configuration.is_ok() {
        problems.extend(facts::compare(&facts::expected(case, world), &observed));
    }
    problems
}

fn is_nothing_configured(error: &Error) -> bool {
    error.is_not_configured() || error.kind() == kubex::ErrorKind::Exhausted
}

fn check_configured(
    expected: &Configured,
    world: &World,
    configuration: &ClientConfiguration,
    report: Option<&Report>,
    answer: &Answer,
) -> Vec<String> {
    let mut found = Facts::from([
        ("server", configuration.cluster().server.as_str().to_owned()),
        ("namespace", configuration.namespace().to_owned()),
        (
            "warnings",
            sorted(
                configuration
                    .warnings()
                    .iter()
                    .map(|warning| warning.id().to_owned()),
            ),
        ),
    ]);
    let mut wanted = Facts::from([
        ("server", world.text(&expected.server)),
        ("namespace", expected.namespace.clone()),
        ("warnings", sorted(expected.warnings.iter().cloned())),
    ]);
    if let Some(report) = report {
        let chosen = report.chosen().map(|attempt| attempt.source.clone());
        found.insert("source", chosen.unwrap_or_default());
        wanted.insert("source", expected.source.clone());
    }
    if let Some(credential) = &expected.credential {
        wanted.insert("credential", credential.clone());
        found.insert("credential", kind_of(answer.credential.as_deref()));
    }
    let mut problems = facts::compare(&wanted, &found);

    let proxy = configuration.cluster().proxy.as_ref().map(ToString::to_string);
    match (&expected.proxy, &proxy) {
        (Some(wanted), Some(found)) if found.contains(&world.text(wanted)) => {}
        (Some(wanted), found) => problems.push(format!(
            "proxy of the configuration: expected {wanted}, found {found:?}"
        )),
        (None, Some(found)) if expected.arrives.proxy == "none" => {
            problems.push(format!(
                "proxy of the configuration: expected none, found {found}"
            ));
        }
        (None, _) => {}
    }
    let reported = report.map(ToString::to_string).unwrap_or_default();
    problems.extend(check_words(&expected.says, &[], world, &reported));
    for (field, place) in &expected.provenance {
        let place = world.text(place);
        let found = configuration
            .provenance()
            .origin_of(field)
            .map(ToString::to_string);
        if !found.as_deref().is_some_and(|found| found.contains(&place)) {
            problems.push(format!("{field}: expected to come from {place}, found {found:?}"));
        }
    }
    let shadowed = configuration.provenance().shadowed();
    let shadowed: Vec<String> = shadowed.iter().map(|entry| entry.shadowed.to_string()).collect();
    for place in &expected.shadowed {
        let place = world.text(place);
        if !shadowed.iter().any(|found| found.contains(&place)) {
            problems.push(format!("{place} is not among the shadowed entries: {shadowed:?}"));
        }
    }
    match (&expected.fails, &answer.sent) {
        (Some(expected), Err(error)) => problems.extend(check_error(expected, world, error)),
        (Some(expected), Ok(status)) => {
            problems.push(format!(
                "expected {} of the request, got {status:?}",
                expected.kind
            ));
        }
        (None, Err(error)) => problems.push(format!("the request fails: {error:?}")),
        (None, Ok(_)) => {}
    }
    problems
}

fn sorted(texts: impl Iterator<Item = String>) -> String {
    let mut texts: Vec<String> = texts.collect();
    texts.sort();
    texts.join(", ")
}

fn kind_of(credential: Option<&Credential>) -> String {
    let Some(credential) = credential else {
        return "none".to_owned();
    };
    let word = match (credential.token(), credential.basic_pair()) {
        (Some(_), _) => Some("token"),
        (None, Some(_)) => Some("basic"),
        (None, None) => None,
    };
    let kinds: Vec<&str> = word
        .into_iter()
        .chain(credential.certificate().map(|_| "certificate"))
        .collect();
    if kinds.is_empty() {
        "none".to_owned()
    } else {
        kinds.join(" and ")
    }
}

fn check_error(expected: &Refusal, world: &World, error: &Error) -> Vec<String> {
    let mut problems = Vec::new();
    let kind = format!("{:?}", error.kind());
    if kind != expected.kind {
        problems.push(format!("expected an error {}, found {kind}", expected.kind));
    }
    let words: Vec<String> = expected.says.iter().chain(&expected.at).cloned().collect();
    problems.extend(check_words(&words, &expected.never, world, &error.to_string()));
    problems
}

fn check_words(words: &[String], never: &[String], world: &World, text: &str) -> Vec<String> {
    let missing = words.iter().map(|word| world.text(word));
    let missing = missing.filter(|word| !text.contains(word.as_str()));
    let missing = missing.map(|word| format!("{word:?} is not in: {text}"));
    let excess = never.iter().map(|word| world.text(word));
    let excess = excess.filter(|word| text.contains(word.as_str()));
    missing
        .chain(excess.map(|word| format!("{word:?} must not be in: {text}")))
        .collect()
}
