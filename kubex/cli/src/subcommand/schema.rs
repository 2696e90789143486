//! `kubex schema`: the JSON Schema of the configuration, with the options of every linked provider.

use crate::failure::Failure;
use crate::output;

pub(crate) fn run() -> Result<(), Failure> {
    let schema = kubex::config::schema(&kubex::registry()?);
    Ok(output::print_text(&output::json(&schema, false)?)?)
}
