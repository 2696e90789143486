//! What can be compared: with what a case expects, and with what kubectl does.

use std::collections::BTreeMap;

use kubex_tests::api_server::RecordedRequest;

use super::case::{Case, Configured, Expect};
use super::world::World;

/// A request arrived at the server.
pub const ARRIVED: &str = "arrived";
/// None did, because of an error.
pub const REFUSED: &str = "refused";
/// None did, because there is nothing to go by.
pub const NOT_CONFIGURED: &str = "not configured";

/// Facts by their names.
pub type Facts = BTreeMap<&'static str, String>;

/// What the case expects.
pub fn expected(case: &Case, world: &World) -> Facts {
    match &case.file.expect {
        Expect::Ok(configured) => expected_of(case, configured, world),
        Expect::Error(_) => Facts::from([
            ("outcome", REFUSED.to_owned()),
            ("requests", "0".to_owned()),
            ("plugin-runs", "0".to_owned()),
        ]),
        Expect::NotConfigured(_) => Facts::from([
            ("outcome", NOT_CONFIGURED.to_owned()),
            ("requests", "0".to_owned()),
        ]),
    }
}

fn expected_of(case: &Case, configured: &Configured, world: &World) -> Facts {
    let arrives = &configured.arrives;
    let mut facts = Facts::from([("plugin-runs", configured.plugin_runs.to_string())]);
    if let Some(told) = &configured.exec_info {
        facts.insert("exec-info", world.text(told));
    }
    facts.insert("proxy", world.text(&arrives.proxy));
    if configured.fails.is_some() {
        facts.insert("outcome", REFUSED.to_owned());
        facts.insert("requests", arrives.requests.unwrap_or(0).to_string());
        return facts;
    }
    let requests = arrives.requests.unwrap_or(case.file.ask.requests);
    facts.insert("requests", requests.to_string());
    if requests == 0 {
        return facts;
    }
    let impersonation: Vec<String> = arrives
        .impersonation
        .iter()
        .map(|line| world.text(line))
        .collect();
    facts.insert("outcome", ARRIVED.to_owned());
    facts.insert("path", arrives.path.clone());
    facts.insert("sni", arrives.sni.clone());
    facts.insert("authorization", arrives.authorization.clone());
    facts.insert("certificate", arrives.certificate.clone());
    facts.insert("impersonation", impersonation.join("; "));
    facts.insert("compression", arrives.compression.clone());
    facts
}

/// What happened in the world: at the server, at the proxies, and to the plugins.
pub fn observed(world: &World) -> Facts {
    let requests = world.requests();
    let read = |file| std::fs::read_to_string(world.path(file)).unwrap_or_default();
    let mut facts = Facts::from([
        ("plugin-runs", read("plugin-runs").lines().count().to_string()),
        ("exec-info", read("exec-info")),
        ("requests", requests.len().to_string()),
        ("proxy", proxy(world)),
    ]);
    if let Some(last) = requests.last() {
        facts.insert("outcome", ARRIVED.to_owned());
        add_request(last, world, &mut facts);
    }
    facts
}

fn add_request(request: &RecordedRequest, world: &World, facts: &mut Facts) {
    let or_none = |text: Option<&str>| text.unwrap_or("none").to_owned();
    let certificate = request.client_certificate.as_ref();
    let encodings = request
        .headers
        .get("accept-encoding")
        .and_then(|value| value.to_str().ok());
    let mut impersonation: Vec<String> = request
        .impersonation
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    // Headers of different names come in any order; those of one name stay in theirs.
    impersonation.sort_by(|one, other| one.split(':').next().cmp(&other.split(':').next()));
    facts.insert("path", request.path.clone());
    facts.insert("sni", or_none(request.server_name.as_deref()));
    facts.insert(
        "authorization",
        world.words.read_authorization(request.authorization.as_deref()),
    );
    facts.insert(
        "certificate",
        or_none(certificate.map(|it| it.common_name.as_str())),
    );
    facts.insert("impersonation", impersonation.join("; "));
    facts.insert("compression", or_none(encodings));
}

fn proxy(world: &World) -> String {
    let tunnels = world.proxies.tunnels();
    let Some((kind, tunnel)) = tunnels.last() else {
        return "none".to_owned();
    };
    let user = tunnel.credentials.as_ref().map(|credentials| {
        let user = world.words.read_proxy_credentials(credentials);
        format!(" as {user}")
    });
    let shown = if tunnel.has_certificate {
        " with a certificate"
    } else {
        ""
    };
    format!("{kind} {}{}{shown}", tunnel.target, user.unwrap_or_default())
}

/// What is not as expected. Only expected facts are looked at.
pub fn compare(expected: &Facts, observed: &Facts) -> Vec<String> {
    let differences = expected.iter().filter_map(|(name, expected)| {
        let observed = observed.get(name).map_or("none", String::as_str);
        (observed != expected).then(|| format!("{name}: expected {expected:?}, found {observed:?}"))
    });
    differences.collect()
}
