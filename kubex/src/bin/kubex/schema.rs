//! `kubex schema`: the JSON Schema of the configuration, those of the linked providers' options included.

use crate::failure::Failure;
use crate::page;
use crate::session::Session;

pub(crate) fn run(session: &Session) -> Result<(), Failure> {
    session.print(&page::json(&kubex::config::schema(&kubex::registry()?))?)
}
