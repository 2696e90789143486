//! A loop whose token rotates: a sidecar writes a new token into a file every second, each token is valid for two
//! seconds, and the API server refuses every expired one. No request fails.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use kubex_tests::api_server::{ApiServer, User};

const LIFETIME: Duration = Duration::from_secs(2);
const ROTATION: Duration = Duration::from_secs(1);
const ROUNDS: usize = 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Arc::new(ApiServer::builder().start().await?);
    let directory = tempfile::tempdir()?;
    let sidecar = Sidecar {
        server: Arc::clone(&server),
        file: directory.path().join("token"),
    };
    sidecar.write(1)?;
    let rotation = tokio::spawn(sidecar.clone().rotate());

    let configuration = kubex::configure()
        .url(server.url())
        .server_ca_pem(server.ca_pem())
        .token_file(&sidecar.file)
        .await?;
    let client = kubex::reqwest::Client::new(&configuration)?;
    let mut failed = 0;
    for round in 1..=ROUNDS {
        let answer = client.get("/version")?.send().await?;
        let generation = configuration.credentials().current().await?.generation();
        println!(
            "request {round:2}: {} with credential {generation}",
            answer.status()
        );
        failed += usize::from(!answer.status().is_success());
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    rotation.abort();
    server.shutdown().await;
    println!("{ROUNDS} requests, {failed} failed");
    if failed == 0 {
        Ok(())
    } else {
        Err("a request failed".into())
    }
}

/// Issues the tokens and writes them into the file that the program reads.
#[derive(Clone)]
struct Sidecar {
    server: Arc<ApiServer>,
    file: PathBuf,
}

impl Sidecar {
    async fn rotate(self) -> std::io::Result<()> {
        for number in 2_u32.. {
            tokio::time::sleep(ROTATION).await;
            self.write(number)?;
        }
        Ok(())
    }

    /// Writes a JSON web token by atomic rename, so that no reader sees half of it.
    fn write(&self, number: u32) -> std::io::Result<()> {
        let expires = SystemTime::now() + LIFETIME;
        let seconds = expires
            .duration_since(UNIX_EPOCH)
            .map_err(std::io::Error::other)?
            .as_secs_f64();
        let claims = BASE64_URL_SAFE_NO_PAD.encode(format!("{{\"jti\":\"{number}\",\"exp\":{seconds}}}"));
        let token = format!("eyJhbGciOiJub25lIn0.{claims}.unsigned");
        self.server
            .accept_token_until(&token, User::new("worker"), Instant::now() + LIFETIME);
        let new = self.file.with_extension("new");
        std::fs::write(&new, token)?;
        std::fs::rename(&new, &self.file)
    }
}
