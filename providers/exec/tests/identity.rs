//! Which plugins share a credential between processes: 30 pairs that do not, and 10 that do.

#![cfg(unix)]
#![allow(
    clippy::disallowed_methods,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "the suite has its own files, and a test that panics fails"
)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use kubex_core::credentials::StoreIdentity;
use kubex_exec::PluginIdentity;

/// A home directory with programs and configuration files.
struct World {
    directory: tempfile::TempDir,
}

/// What a plugin is run with.
#[derive(Clone)]
struct Plugin {
    program: PathBuf,
    arguments: Vec<String>,
    set_variables: Vec<String>,
    environment: BTreeMap<String, String>,
    files: Vec<PathBuf>,
    cluster: Option<serde_json::Value>,
    working_directory: PathBuf,
}

impl World {
    fn new() -> Self {
        let world = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        for (file, content) in [
            ("bin/aws", "#!aws"),
            ("bin/gke-gcloud-auth-plugin", "#!gke"),
            ("bin/kubelogin", "#!kubelogin"),
            ("bin/login", "#!login"),
            ("opt/aws", "#!aws"),
            (".aws/config", "[default]\nregion = a\n"),
            (".aws/credentials", "[default]\naws_access_key_id = a\n"),
            (".config/gcloud/active_config", "default"),
            (
                ".config/gcloud/configurations/config_default",
                "[core]\naccount = jane\n",
            ),
            (
                ".config/gcloud/configurations/config_work",
                "[core]\naccount = john\n",
            ),
            (".azure/azureProfile.json", "{\"subscriptions\": []}"),
            ("roles/reader", "reader"),
            ("elsewhere/reader", "another reader"),
        ] {
            world.write(file, content);
        }
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn plugin(&self, program: &str, arguments: &[&str]) -> Plugin {
        Plugin {
            program: self.path("bin").join(program),
            arguments: arguments.iter().map(|&word| word.to_owned()).collect(),
            set_variables: Vec::new(),
            environment: [
                ("HOME", self.path("").to_str().unwrap()),
                ("PATH", "/usr/bin"),
                ("USER", "jane"),
                ("SHLVL", "1"),
                ("TERM", "xterm"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
            files: Vec::new(),
            cluster: None,
            working_directory: self.path("roles"),
        }
    }

    fn aws(&self) -> Plugin {
        self.plugin("aws", &["eks", "get-token", "--cluster-name", "prod"])
    }

    fn gke(&self) -> Plugin {
        self.plugin("gke-gcloud-auth-plugin", &[])
    }

    fn azure(&self) -> Plugin {
        self.plugin("kubelogin", &["get-token", "--login", "azurecli"])
    }

    fn login(&self) -> Plugin {
        self.plugin("login", &["token"])
    }
}

impl Plugin {
    fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments = arguments.iter().map(|&word| word.to_owned()).collect();
        self
    }

    fn setting(mut self, name: &str) -> Self {
        self.set_variables.push(name.to_owned());
        self
    }

    fn program(mut self, program: impl AsRef<Path>) -> Self {
        program.as_ref().clone_into(&mut self.program);
        self
    }

    fn within(mut self, directory: &Path) -> Self {
        directory.clone_into(&mut self.working_directory);
        self
    }

    fn cluster(mut self, json: &str) -> Self {
        self.cluster = Some(serde_json::from_str(json).unwrap());
        self
    }

    fn file(mut self, path: impl AsRef<Path>) -> Self {
        self.files.push(path.as_ref().to_owned());
        self
    }

    fn identity(&self) -> Vec<u8> {
        self.store_identity().expose().to_vec()
    }

    fn store_identity(&self) -> StoreIdentity {
        let environment = self.environment.iter();
        let identity = PluginIdentity {
            program: &self.program,
            arguments: &self.arguments,
            set_variables: &self.set_variables,
            environment: environment
                .map(|(name, value)| (OsString::from(name), OsString::from(value)))
                .collect(),
            files: &self.files,
            cluster: self.cluster.clone(),
            working_directory: Some(self.working_directory.clone()),
        };
        identity.identity()
    }
}

#[test]
fn thirty_pairs_of_different_identities_share_nothing() {
    let world = World::new();
    let (aws, gke, azure, login) = (world.aws(), world.gke(), world.azure(), world.login());
    let elsewhere = world.path("elsewhere");
    let home = world.path("elsewhere").to_str().unwrap().to_owned();
    let relative = login.clone().arguments(&["--role", "./reader"]);
    let bare = login.clone().arguments(&["--role", "reader"]);
    let pairs = [
        ("another program", aws.clone(), gke.clone()),
        (
            "a program of the same name",
            aws.clone(),
            aws.clone().program(world.path("opt/aws")),
        ),
        (
            "another cluster name",
            aws.clone(),
            aws.clone()
                .arguments(&["eks", "get-token", "--cluster-name", "dev"]),
        ),
        (
            "an argument more",
            aws.clone(),
            aws.clone()
                .arguments(&["eks", "get-token", "--cluster-name", "prod", ""]),
        ),
        (
            "arguments that run together",
            login.clone().arguments(&["ab", "c"]),
            login.clone().arguments(&["a", "bc"]),
        ),
        (
            "the order of arguments",
            login.clone().arguments(&["a", "b"]),
            login.clone().arguments(&["b", "a"]),
        ),
        (
            "AWS_PROFILE",
            aws.clone(),
            aws.clone().with("AWS_PROFILE", "admin"),
        ),
        (
            "an empty AWS_PROFILE",
            aws.clone(),
            aws.clone().with("AWS_PROFILE", ""),
        ),
        (
            "AWS_CONFIG_FILE",
            aws.clone(),
            aws.clone().with("AWS_CONFIG_FILE", "/etc/aws"),
        ),
        (
            "AWS_ACCESS_KEY_ID",
            aws.clone().with("AWS_ACCESS_KEY_ID", "a"),
            aws.clone().with("AWS_ACCESS_KEY_ID", "b"),
        ),
        (
            "AWS_ROLE_ARN",
            aws.clone(),
            aws.clone().with("AWS_ROLE_ARN", "arn:aws:iam::1:role/a"),
        ),
        (
            "AWS_ENDPOINT_URL_STS",
            aws.clone(),
            aws.clone().with("AWS_ENDPOINT_URL_STS", "https://127.0.0.1"),
        ),
        (
            "an AWS_ variable of the future",
            aws.clone(),
            aws.clone().with("AWS_SOMETHING_NEW", "1"),
        ),
        (
            "HOME of a known program",
            aws.clone(),
            aws.clone().with("HOME", &home),
        ),
        (
            "code that runs in a known program",
            aws.clone(),
            aws.clone().with("PYTHONPATH", "/tmp"),
        ),
        (
            "a variable of the plugin's entry",
            aws.clone().setting("ROLE").with("ROLE", "a"),
            aws.clone().setting("ROLE").with("ROLE", "b"),
        ),
        (
            "CLOUDSDK_CONFIG",
            gke.clone(),
            gke.clone().with("CLOUDSDK_CONFIG", &home),
        ),
        (
            "CLOUDSDK_ACTIVE_CONFIG_NAME",
            gke.clone(),
            gke.clone().with("CLOUDSDK_ACTIVE_CONFIG_NAME", "work"),
        ),
        (
            "CLOUDSDK_CORE_ACCOUNT",
            gke.clone(),
            gke.clone().with("CLOUDSDK_CORE_ACCOUNT", "john"),
        ),
        (
            "GOOGLE_APPLICATION_CREDENTIALS",
            gke.clone(),
            gke.clone()
                .with("GOOGLE_APPLICATION_CREDENTIALS", "/etc/key.json"),
        ),
        (
            "AZURE_CONFIG_DIR",
            azure.clone(),
            azure.clone().with("AZURE_CONFIG_DIR", &home),
        ),
        (
            "AAD_LOGIN_METHOD",
            azure.clone(),
            azure.clone().with("AAD_LOGIN_METHOD", "spn"),
        ),
        (
            "any variable of another program",
            login.clone(),
            login.clone().with("ROLE", "admin"),
        ),
        (
            "PATH of another program",
            login.clone(),
            login.clone().with("PATH", "/opt/bin"),
        ),
        (
            "USER of another program",
            login.clone(),
            login.clone().with("USER", "john"),
        ),
        (
            "a relative path elsewhere",
            relative.clone(),
            relative.clone().within(&elsewhere),
        ),
        (
            "the name of a file elsewhere",
            bare.clone(),
            bare.clone().within(&elsewhere),
        ),
        (
            "a cluster or none",
            login.clone(),
            login.clone().cluster(r#"{"server":"https://a"}"#),
        ),
        (
            "another server",
            login.clone().cluster(r#"{"server":"https://a"}"#),
            login.clone().cluster(r#"{"server":"https://b"}"#),
        ),
        (
            "another file that was named",
            login.clone().file(world.path("roles/reader")),
            login.clone().file(world.path("elsewhere/reader")),
        ),
    ];
    assert_eq!(pairs.len(), 30);
    for (what, one, other) in pairs {
        assert_ne!(one.identity(), other.identity(), "{what}");
    }
}

#[test]
fn ten_pairs_of_equal_identities_share_a_credential() {
    let world = World::new();
    let (aws, gke, azure, login) = (world.aws(), world.gke(), world.azure(), world.login());
    let elsewhere = world.path("elsewhere");
    let pairs = [
        ("the same again", aws.clone(), aws.clone()),
        (
            "another working directory",
            aws.clone(),
            aws.clone().within(&elsewhere),
        ),
        (
            "another shell",
            login.clone(),
            login
                .clone()
                .with("SHLVL", "3")
                .with("_", "/bin/x")
                .with("OLDPWD", "/"),
        ),
        (
            "another terminal",
            login.clone(),
            login
                .clone()
                .with("TERM", "screen")
                .with("COLUMNS", "80")
                .with("TMUX", "1"),
        ),
        (
            "another language",
            login.clone(),
            login.clone().with("LANG", "de_DE.UTF-8").with("LC_ALL", "C"),
        ),
        (
            "another login of the user",
            login.clone(),
            login
                .clone()
                .with("SSH_TTY", "/dev/pts/3")
                .with("XDG_SESSION_ID", "7"),
        ),
        (
            "what kubectl passes",
            login.clone(),
            login
                .clone()
                .with("KUBERNETES_EXEC_INFO", "{}")
                .with("KUBEX_EXEC_STACK", "1"),
        ),
        (
            "PATH, where the program is known",
            aws.clone(),
            aws.clone().with("PATH", "/opt/bin").with("PS1", "$"),
        ),
        (
            "a variable that another known program reads",
            gke.clone(),
            gke.clone().with("AWS_PROFILE", "admin"),
        ),
        (
            "the output of a known program",
            azure.clone(),
            azure.clone().with("AZURE_CORE_OUTPUT", "table"),
        ),
    ];
    assert_eq!(pairs.len(), 10);
    for (what, one, other) in pairs {
        assert_eq!(one.identity(), other.identity(), "{what}");
    }
}

#[test]
fn the_content_of_configuration_files_counts_and_that_of_caches_does_not() {
    for (file, plugin) in [
        (".aws/config", World::aws as fn(&World) -> Plugin),
        (".aws/credentials", World::aws),
        ("bin/aws", World::aws),
        (".config/gcloud/active_config", World::gke),
        (".config/gcloud/configurations/config_default", World::gke),
        (".config/gcloud/application_default_credentials.json", World::gke),
        (".azure/azureProfile.json", World::azure),
    ] {
        let world = World::new();
        let before = plugin(&world).identity();
        world.write(file, "[default]\nchanged = work\n");
        assert_ne!(plugin(&world).identity(), before, "{file}");
    }
    for (file, plugin) in [
        (".aws/cli/cache/x.json", World::aws as fn(&World) -> Plugin),
        (".aws/sso/cache/x.json", World::aws),
        (".config/gcloud/access_tokens.db", World::gke),
        (".config/gcloud/logs/today", World::gke),
        (".config/gcloud/configurations/config_work", World::gke),
        (".azure/msal_token_cache.json", World::azure),
    ] {
        let world = World::new();
        let before = plugin(&world).identity();
        world.write(file, "changed");
        assert_eq!(plugin(&world).identity(), before, "{file}");
    }
}

#[test]
fn the_descriptions_of_two_logins_of_one_plugin_differ_and_show_no_secret() {
    let world = World::new();
    let describe = |plugin: &Plugin| plugin.store_identity().description().to_owned();
    let aws = world.aws();
    let prod = aws.clone().with("AWS_PROFILE", "prod");
    assert_eq!(
        describe(&prod.clone().with("AWS_SECRET_ACCESS_KEY", "s3cret-1")),
        describe(&prod)
    );
    assert!(
        describe(&prod).ends_with("(AWS_PROFILE=prod)"),
        "{}",
        describe(&prod)
    );
    assert_ne!(describe(&prod), describe(&aws.clone().with("AWS_PROFILE", "dev")));
    let mut set = world.login().with("LOGIN_TOKEN", "s3cret-2");
    set.set_variables.push("LOGIN_TOKEN".to_owned());
    assert!(describe(&set).ends_with("(LOGIN_TOKEN)"), "{}", describe(&set));
    let cluster = r#"{"server": "https://jane:s3cret-3@prod:6443", "config": "s3cret-4"}"#;
    let passed = world.login().cluster(cluster);
    let shown = describe(&passed);
    assert!(
        shown.contains("prod:6443") && !shown.contains("s3cret"),
        "{shown}"
    );
}
