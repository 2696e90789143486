//! Beside the AWS CLI: the same inputs give the same requests, and the same signatures at the same moment.
//!
//! The CLI's own code runs in one process of Python. Where there is none with `awscli`, the test says so:
//!
//! ```sh
//! python3 -m venv /tmp/aws && /tmp/aws/bin/pip install awscli
//! PATH=/tmp/aws/bin:$PATH cargo test -p kubex-cloud-tests
//! ```

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kubex_tests::machine::{has_tool, not_tested};
use serde_json::{Value, json};

use crate::scene::{KEY_ID, SECRET, keys, machine, options, parameters, request, token, write};

const CASES: usize = 200;

const REGIONS: &[&str] = &[
    "us-east-1",
    "us-east-2",
    "us-west-2",
    "eu-central-1",
    "eu-north-1",
    "ap-southeast-1",
    "ap-southeast-5",
    "sa-east-1",
    "mx-central-1",
    "cn-north-1",
    "cn-northwest-1",
    "us-gov-west-1",
    "us-gov-east-1",
    "us-iso-east-1",
    "us-isob-east-1",
    "us-isof-south-1",
    "eu-isoe-west-1",
    "eusc-de-east-1",
    "xx-unknown-9",
];

const CLUSTERS: &[&str] = &["production", "a", "A-b_c-0", "0123456789abcdef", "x.y:z/w+v=u~t"];

const SESSION_TOKENS: &[&str] = &["plain", "IQoJb3JpZ2lu/+==", "a b&c=d%20e", "ü\u{2713}"];

const FILES: &str = "[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = of-default\nregion = eu-west-3\n\
    [work]\naws_access_key_id = AKIAWORK\naws_secret_access_key = of/work+=\naws_session_token = session/of+work==\n\
    [legacy]\naws_access_key_id = AKIALEGACY\naws_secret_access_key = of-legacy\n";

const CONFIG: &str = "[profile work]\nregion = ap-south-1\noutput = text\n\
    [profile legacy]\nregion = us-west-1\nsts_regional_endpoints = legacy\n\
    [profile only-here]\naws_access_key_id = AKIAHERE\naws_secret_access_key = of-here\nregion = ca-central-1\n";

/// Chooses the next of some values; the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }
}

/// The variables, and the arguments `--region` and `--profile`.
struct Input {
    variables: Vec<(&'static str, &'static str)>,
    cluster: &'static str,
    region: Option<&'static str>,
    profile: Option<&'static str>,
}

fn input(dice: &mut Dice) -> Input {
    let mut variables = Vec::new();
    let mut profile = None;
    let mut has_region = false;
    match dice.roll(5) {
        0 | 1 => {
            variables.extend(keys());
            if dice.roll(2) == 0 {
                variables.push(("AWS_SESSION_TOKEN", dice.pick(SESSION_TOKENS)));
            }
            if dice.roll(4) == 0 {
                variables.push(("AWS_PROFILE", "work"));
                has_region = true;
            }
        }
        2 => {
            variables.push((
                "AWS_PROFILE",
                dice.pick(&["work", "legacy", "only-here", "default"]),
            ));
            has_region = true;
        }
        3 => {
            // Keys in variables beside a profile that was chosen by an argument do not count.
            variables.extend(keys());
            profile = Some(dice.pick(&["work", "legacy", "only-here", "default"]));
            has_region = true;
        }
        _ => has_region = true,
    }
    let region = (!has_region || dice.roll(2) == 0).then(|| dice.pick(REGIONS));
    let region = if dice.roll(3) == 0 {
        if let Some(region) = region {
            variables.push(("AWS_DEFAULT_REGION", region));
        }
        None
    } else {
        region
    };
    match dice.roll(6) {
        0 => variables.push(("AWS_STS_REGIONAL_ENDPOINTS", "legacy")),
        1 => variables.push(("AWS_STS_REGIONAL_ENDPOINTS", "regional")),
        2 => variables.push(("AWS_ENDPOINT_URL_STS", "https://127.0.0.1:8443")),
        _ => {}
    }
    Input {
        variables,
        cluster: dice.pick(CLUSTERS),
        region,
        profile,
    }
}

/// A Python that has `awscli`: that of the `aws` in `PATH`, also behind a shim, or `python3`.
fn python() -> Option<PathBuf> {
    let has_awscli = |python: &Path| {
        Command::new(python)
            .args(["-c", "import awscli.customizations.eks.get_token"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut scripts: Vec<PathBuf> = std::env::split_paths(&path).map(|it| it.join("aws")).collect();
    if let Ok(found) = Command::new("pyenv")
        .args(["which", "aws"])
        .stderr(Stdio::null())
        .output()
    {
        scripts.push(String::from_utf8_lossy(&found.stdout).trim().into());
    }
    let interpreter = |script: PathBuf| {
        let content = std::fs::read_to_string(script).ok()?;
        Some(PathBuf::from(content.lines().next()?.strip_prefix("#!")?.trim()))
    };
    let found = scripts.into_iter().filter_map(interpreter);
    found
        .filter(|python| python.to_string_lossy().contains("python"))
        .chain([PathBuf::from("python3")])
        .find(|python| has_awscli(python))
}

#[tokio::test]
async fn generated_inputs_give_the_requests_and_the_signatures_of_the_aws_cli() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), ".aws/credentials", FILES);
    write(home.path(), ".aws/config", CONFIG);
    let Some(python) = python() else {
        not_tested(
            "the tokens beside those of the AWS CLI",
            "there is no Python with awscli",
        );
        return;
    };
    let mut dice = Dice(20_260_728);
    let mut lines = String::new();
    for _ in 0..CASES {
        let input = input(&mut dice);
        let mut options = options().set("cluster", input.cluster);
        if let Some(region) = input.region {
            options = options.set("region", region);
        }
        if let Some(profile) = input.profile {
            options = options.set("profile", profile);
        }
        let token = token(machine(home.path(), &input.variables), options)
            .await
            .unwrap();
        let variables: serde_json::Map<_, _> = input
            .variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        let line = json!({"variables": variables, "cluster": input.cluster, "region": input.region,
            "profile": input.profile, "token": token});
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    let mut child = Command::new(&python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/eks/compare.py"))
        .env("HOME", home.path())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    if !output.status.success() && output.stdout.is_empty() {
        not_tested(
            "the tokens beside those of the AWS CLI",
            "its code does not run here",
        );
        return;
    }
    let answers: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let different: Vec<_> = answers.iter().filter(|answer| answer["equal"] != true).collect();
    for answer in different.iter().take(5) {
        println!("{answer:#}");
    }
    assert!(output.status.success(), "{}", output.status);
    assert_eq!((answers.len(), different.len()), (CASES, 0));
    println!(
        "{CASES} requests and signatures equal those of {}",
        python.display()
    );
}

#[tokio::test]
async fn the_aws_command_prints_a_token_with_the_same_parameters() {
    if !has_tool(&["aws", "--version"], "the command aws") {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let arguments = [
        "--region",
        "eu-central-1",
        "eks",
        "get-token",
        "--cluster-name",
        "production",
    ];
    let output = Command::new("aws")
        .args(arguments)
        .args(["--output", "json"])
        .env("HOME", home.path())
        .envs([("AWS_ACCESS_KEY_ID", KEY_ID), ("AWS_SECRET_ACCESS_KEY", SECRET)])
        .env_remove("AWS_PROFILE")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let theirs = request(printed["status"]["token"].as_str().unwrap());
    let options = options().set("region", "eu-central-1");
    let mine = request(&token(machine(home.path(), &keys()), options).await.unwrap());
    let without_time = |url| {
        let mut parameters = parameters(url);
        for name in ["X-Amz-Date", "X-Amz-Signature"] {
            parameters.remove(name).unwrap();
        }
        parameters
    };
    assert_eq!(without_time(&mine), without_time(&theirs));
    assert_eq!(mine.origin(), theirs.origin());
}
