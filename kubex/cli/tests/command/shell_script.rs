//! The script of the docs for shells, run by bash, and the end of a credential for monitoring.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use kubex_tests::api_server::{ApiServer, User};
use kubex_tests::machine::has_tool;
use serde_json::{Value, json};

use crate::requests::kubeconfig_of;
use crate::world::{KUBEX, ended, kubex, program};

/// The script in the section of the page.
fn script() -> String {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/command.md");
    let page = std::fs::read_to_string(page).unwrap();
    let section = page.split("### In a shell script\n").nth(1).unwrap();
    let script = section.split("```bash\n").nth(1).unwrap();
    script.split("```").next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_script_of_the_docs_sends_authenticated_requests_without_a_token_in_an_argument() {
    if !has_tool(&["curl", "--version"], "the script of the docs")
        || !has_tool(&["jq", "--version"], "the script of the docs")
        || !has_tool(&["bash", "-c", "true"], "the script of the docs")
    {
        return;
    }
    let server = ApiServer::builder().start().await.unwrap();
    server.accept_token("s3cret-t0ken", User::new("jane"));
    let scratch = tempfile::tempdir().unwrap();
    let path = |name: &str| scratch.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("ca.crt"), server.ca_pem()).unwrap();
    let kubeconfig = format!(
        "current-context: test\n\
         clusters: [{{name: test, cluster: {{server: '{}', certificate-authority: ca.crt}}}}]\n\
         users: [{{name: test, user: {{token: s3cret-t0ken}}}}]\n\
         contexts: [{{name: test, context: {{cluster: test, user: test}}}}]\n",
        server.url()
    );
    std::fs::write(path("config"), kubeconfig).unwrap();
    // Notes the arguments of each curl, which every user of the machine can read.
    std::fs::create_dir(path("bin")).unwrap();
    let real = ended(program("bash", &["-c", "command -v curl"]).output().unwrap());
    let curl = format!(
        "#!/bin/bash\nprintf '%s\\n' \"$@\" >> '{}'\nexec {} \"$@\"\n",
        path("arguments"),
        real.stdout.trim()
    );
    std::fs::write(path("bin/curl"), curl).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::{PermissionsExt as _, symlink};

        std::fs::set_permissions(path("bin/curl"), std::fs::Permissions::from_mode(0o755)).unwrap();
        symlink(KUBEX, path("bin/kubex")).unwrap();
    }
    let mut bash = program("bash", &["-c", &script()]);
    bash.env("PATH", format!("{}:/usr/bin:/bin", path("bin")))
        .env("KUBECONFIG", path("config"));
    let ran = tokio::task::spawn_blocking(move || ended(bash.output().unwrap()))
        .await
        .unwrap();
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{}", ran.stdout);
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    for request in requests {
        assert_eq!(request.path, "/version");
        assert_eq!(request.authenticated_as.as_deref(), Some("jane"));
    }
    let arguments = std::fs::read_to_string(path("arguments")).unwrap();
    assert!(
        arguments.contains("--cacert") && arguments.contains("ca.crt") && !arguments.contains("s3cret"),
        "{arguments}"
    );
    server.shutdown().await;
}

/// Status and `expiresAt` of `whoami` with these words.
fn end_of(kubeconfig: &std::path::Path, words: &[&str]) -> (i32, Value) {
    let path = kubeconfig.to_str().unwrap();
    let ended = kubex(&[&["whoami", "-ojson", "--kubeconfig", path], words].concat());
    let page: Value = serde_json::from_str(&ended.stdout).unwrap();
    (ended.status, page["expiresAt"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_credential_is_known_for_a_token_and_for_a_certificate() {
    let server = ApiServer::builder().start().await.unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let token = |left: Duration| {
        let claims = json!({"sub": "jane", "exp": (now + left).as_secs()});
        format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()))
    };
    let hour = Duration::from_secs(3600);
    let soon = kubeconfig_of(&server, &format!("token: {}", token(2 * hour)));
    let late = kubeconfig_of(&server, &format!("token: {}", token(48 * hour)));
    let opaque = kubeconfig_of(&server, "token: abc");
    let pair = server.issue_client_certificate("jane", &[]);
    let encode = |bytes: &[u8]| base64::prelude::BASE64_STANDARD.encode(bytes);
    let certificate = kubeconfig_of(
        &server,
        &format!(
            "client-certificate-data: {}, client-key-data: {}",
            encode(pair.certificate.as_ref()),
            encode(pair.key.as_ref())
        ),
    );
    for (kubeconfig, words, status, is_known) in [
        (&soon, &[][..], 0, true),
        (&soon, &["--expires-within", "24h"], 8, true),
        (&soon, &["--expires-within=1h"], 0, true),
        (&late, &["--expires-within=24h"], 0, true),
        (&late, &["--expires-within=168h"], 8, true),
        (&opaque, &["--expires-within=24h"], 0, false),
        (&certificate, &[], 0, true),
        (&certificate, &["--expires-within=1s"], 0, true),
    ] {
        let (found, end) = end_of(kubeconfig.path(), words);
        assert_eq!((found, end.is_string()), (status, is_known), "{words:?} {end}");
    }
    let path = certificate.path().to_str().unwrap();
    let page: Value =
        serde_json::from_str(&kubex(&["whoami", "-ojson", "--kubeconfig", path]).stdout).unwrap();
    assert_eq!(page["expiresAt"], page["certificate"]["notAfter"]);
    assert_eq!(kubex(&["whoami", "--online", "--expires-within=1h"]).status, 2);
    server.shutdown().await;
}
