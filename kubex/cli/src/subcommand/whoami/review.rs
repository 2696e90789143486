//! The identity that the server reports: a SelfSubjectReview (Kubernetes 1.28 and later).

use std::collections::BTreeMap;

use kubex::ClientConfiguration;
use kubex::reqwest::{Client, Method};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::output::{Output, Style, Table};
use crate::session::Session;
use crate::subcommand::request;

const PATH: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
const REVIEW: &str = r#"{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}"#;
/// The largest response that is read.
const MAX_BODY: usize = 1024 * 1024;

/// The output of `whoami --online`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reviewed {
    server: String,
    username: String,
    uid: Option<String>,
    groups: Vec<String>,
    extra: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Review {
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    user_info: UserInfo,
}

#[derive(Deserialize)]
struct UserInfo {
    username: String,
    uid: Option<String>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    extra: BTreeMap<String, Vec<String>>,
}

/// Asks the server.
pub(super) async fn ask(configuration: &ClientConfiguration, session: &Session) -> Result<Reviewed, Failure> {
    let client = Client::new(configuration)?;
    let request = client
        .request(Method::POST, PATH)?
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .body(REVIEW);
    let mut response = request::successful(request.send().await?, configuration, session).await?;
    let body = request::beginning(&mut response, MAX_BODY).await;
    let review: Review = serde_json::from_slice(&body)
        .map_err(|_| request::broken("the response is not a SelfSubjectReview"))?;
    let user = review.status.user_info;
    Ok(Reviewed {
        server: configuration.cluster().server.to_string(),
        username: user.username,
        uid: user.uid,
        groups: user.groups,
        extra: user.extra,
    })
}

impl Output for Reviewed {
    fn table(&self, style: Style) -> String {
        let mut table = Table::new(&["FIELD", "VALUE"]);
        table.row(["server", &self.server]);
        table.row(["username", &self.username]);
        if let Some(uid) = &self.uid {
            table.row(["uid", uid]);
        }
        table.row(["groups", &self.groups.join(", ")]);
        for (key, values) in &self.extra {
            table.row([format!("extra {key}").as_str(), &values.join(", ")]);
        }
        table.render(style)
    }
}
