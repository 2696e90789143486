//! The items that most programs use.
//!
//! ```
//! use kubex::prelude::*;
//! ```

pub use kubex_core::{
    Chain, ClientConfiguration, Credential, CredentialProvider, CredentialSource, Credentials, Error,
    ErrorKind, ExposeSecret, Registry, Report,
};
