//! The provider of a member: resolves it from the current content of its input.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use kubex_core::{CredentialProvider, Error, ResolveRequest, ResolvedSource, Result};

use crate::watched_input::WatchedInput;

/// Resolves one member. It is called when a credential is due, and at once after the server has rejected one. It reads the
/// input again, unless this was done a moment ago.
pub(crate) struct MemberProvider {
    pub(crate) input: Arc<WatchedInput>,
    /// The name within the input.
    pub(crate) name: Arc<str>,
}

#[async_trait]
impl CredentialProvider for MemberProvider {
    async fn resolve(&self, request: ResolveRequest<'_>) -> Result<ResolvedSource> {
        self.input.refresh_for_a_member().await;
        let snapshot = self.input.latest();
        let Some(entry) = snapshot.entries.get(&self.name) else {
            return Err(Error::not_configured("the member is no longer in the fleet").as_failure());
        };
        let answer = entry
            .definition
            .answer(self.input.rules(), &snapshot.providers, request.host());
        let mut answer = answer.await?;
        answer.record_origin("member", &entry.origin);
        Ok(answer)
    }
}

impl fmt::Debug for MemberProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemberProvider")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
