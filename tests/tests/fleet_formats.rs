//! The objects of a hub that hold clusters: every folder below `tests/fleet` is a case, and every case a test.
//!
//! | key of `case.yaml` | meaning |
//! |---|---|
//! | `tells` | what the case shows, in one sentence |
//! | `objects` | the manifests; `{ca}`, `{certificate}` and `{key}` are PEM in base64 |
//! | `providers` | the program's file of access providers |
//! | `allowlist` | the plugins that may run; without it, every plugin may |
//! | `profile-variables` | the variables that a profile may set |
//! | `expect.members` | each member by its name: what it connects to and as whom, or its error |
//! | `expect.problems` | the kinds of the problems of the input |

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kubex::fleet::{Fleet, Input, Member};
use kubex_core::host::{Exit, PluginPolicy, PluginRules, Process, ProcessOutput, SimulatedHost};
use kubex_core::{ExposeSecret, Trust};
use kubex_tests::certificates::{Authority, Key, Profile, certificate_pem};
use libtest_mimic::{Arguments, Failed, Trial};
use serde::Deserialize;
use serde_json::{Value, json};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fleet");

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Case {
    tells: String,
    objects: String,
    providers: Option<Value>,
    allowlist: Option<Vec<String>>,
    #[serde(default)]
    profile_variables: Vec<String>,
    expect: Expected,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    members: BTreeMap<String, Value>,
    #[serde(default)]
    problems: Vec<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut folders: Vec<PathBuf> = std::fs::read_dir(CASES)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    assert!(folders.len() > 40, "there are only {} cases", folders.len());
    let trials = folders.into_iter().map(|folder| {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        Trial::test(name, move || run(&folder).map_err(Failed::from))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn run(folder: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(folder.join("case.yaml")).map_err(|error| error.to_string())?;
    let case: Case = serde_yaml::from_str(&text).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let (members, problems, report) = runtime.unwrap().block_on(outcome(&case));
    let expected = json!({"members": case.expect.members, "problems": case.expect.problems});
    let found = json!({"members": members, "problems": problems});
    if report.contains("s3cret") || report.contains("plugin-token") {
        return Err(format!("the report shows a secret: {report}"));
    }
    if found != expected {
        let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap();
        return Err(format!(
            "{}\nexpected {}\nfound {}",
            case.tells,
            pretty(&expected),
            pretty(&found)
        ));
    }
    Ok(())
}

async fn outcome(case: &Case) -> (BTreeMap<String, Value>, Vec<String>, String) {
    let world = SimulatedHost::new();
    world.set_variable("PATH", "/usr/bin");
    world.set_variable("HOME", "/home/jane");
    world.install_program("/usr/bin/login");
    world.write("/run/secrets/stolen", "s3cret-of-the-program");
    let runs = Arc::new(Mutex::new(Vec::new()));
    let recorded = Arc::clone(&runs);
    world.run_processes(move |process| {
        recorded.lock().unwrap().push(run_of(process));
        let answer = json!({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
                            "status": {"token": "plugin-token"}});
        Ok(ProcessOutput {
            exit: Exit::Status(0),
            output: answer.to_string().into_bytes().into(),
            error: Vec::new().into(),
        })
    });
    let (ca, certificate, key) = pems();
    let objects = case
        .objects
        .replace("{ca}", &ca)
        .replace("{certificate}", &certificate)
        .replace("{key}", &key);
    world.write("/hub/objects.yaml", &objects);
    let mut input = Input::manifests("hub", "/hub").profile_variables(case.profile_variables.clone());
    if let Some(providers) = &case.providers {
        world.write("/providers.json", &providers.to_string());
        input = input.access_providers("/providers.json");
    }
    let mut rules = PluginRules::new();
    if let Some(allowlist) = &case.allowlist {
        rules = rules.policy(PluginPolicy::allowlist(allowlist.clone()).unwrap());
    }
    let fleet = Fleet::builder(kubex::registry().unwrap())
        .host(world.host())
        .plugin_rules(rules)
        .input(input)
        .start()
        .await
        .unwrap();
    let mut members = BTreeMap::new();
    for member in fleet.members() {
        members.insert(member.name().to_owned(), shown(&member, &runs).await);
    }
    let report = fleet.report();
    let problems = report.inputs()[0].problems.iter();
    let problems = problems.map(|problem| format!("{:?}", problem.kind())).collect();
    (members, problems, format!("{report}\n{:?}", fleet.members()))
}

/// What a member connects to and as whom.
async fn shown(member: &Member, runs: &Mutex<Vec<Value>>) -> Value {
    let configuration = match member.configuration() {
        Ok(configuration) => configuration,
        Err(error) => {
            let field = error.origin().map(|origin| origin.keys().to_owned());
            return json!({"error": format!("{:?}", error.kind()), "field": field});
        }
    };
    let cluster = configuration.cluster();
    let mut shown = json!({"server": cluster.server.as_str()});
    let mut set = |key: &str, value: Value| shown[key] = value;
    match &cluster.trust {
        Trust::CaBundle(_) => set("trust", json!("ca")),
        Trust::Insecure => set("trust", json!("insecure")),
        _ => {}
    }
    if let Some(name) = &cluster.tls_server_name {
        set("tls-server-name", json!(name));
    }
    if let Some(proxy) = &cluster.proxy {
        set("proxy", json!(proxy.expose_url().as_str()));
    }
    if cluster.disable_compression {
        set("disable-compression", json!(true));
    }
    if configuration.namespace() != "default" {
        set("namespace", json!(configuration.namespace()));
    }
    let credential = match configuration.credentials().current().await {
        Ok(credential) => credential,
        Err(error) => {
            set("fetch", json!(format!("{:?}", error.kind())));
            return shown;
        }
    };
    if let Some(token) = credential.token() {
        set("token", json!(token.expose_secret()));
    } else if let Some(header) = credential.authorization() {
        set("authorization", json!(header.to_str().unwrap()));
    }
    if credential.certificate().is_some() {
        set("certificate", json!(true));
    }
    if let Some(run) = runs.lock().unwrap().pop() {
        set("plugin", run);
    }
    shown
}

/// What a plugin receives.
fn run_of(process: &Process) -> Value {
    let mut variables = BTreeMap::new();
    let mut info = Value::Null;
    for (name, value) in &process.added {
        match name.as_str() {
            "KUBERNETES_EXEC_INFO" => info = serde_json::from_str(value.expose_secret()).unwrap(),
            name if name.starts_with("KUBEX_") => {}
            name => drop(variables.insert(name.to_owned(), value.expose_secret().to_owned())),
        }
    }
    let mut run = json!({
        "command": process.program.path().to_str().unwrap(),
        "args": process.arguments,
        "interactive": info["spec"]["interactive"],
        "version": info["apiVersion"],
    });
    if !variables.is_empty() {
        run["env"] = json!(variables);
    }
    if let Some(cluster) = info["spec"].get("cluster") {
        run["server"] = cluster["server"].clone();
        run["config"] = cluster["config"].clone();
    }
    run
}

/// An authority, and a client certificate with its key, as base64 of PEM.
fn pems() -> (String, String, String) {
    let key = Key::generate("key", &rcgen::PKCS_ECDSA_P256_SHA256);
    let authority = Authority::root(Profile::authority("ca"), &key);
    let client_key = Key::generate("client", &rcgen::PKCS_ECDSA_P256_SHA256);
    let client = Profile::new("jane").issued_by(&authority, &client_key);
    let encode = |pem: String| BASE64_STANDARD.encode(pem);
    (
        encode(certificate_pem(&authority.certificate)),
        encode(certificate_pem(&client)),
        encode(client_key.pem.clone()),
    )
}
