//! Chooses the crypto provider of rustls.

use std::fmt;
use std::sync::Arc;

use ::rustls::crypto::CryptoProvider;
use kubex_core::Result;

/// Selects the crypto provider of rustls.
///
/// Cargo features of Kubex only add choices; they never change one that the program made. A program that needs a
/// particular provider should select it.
///
/// ```
/// use kubex::rustls::CryptoChoice;
/// # #[cfg(feature = "aws-lc-rs")] {
/// let provider = CryptoChoice::AwsLcRs.provider()?;
/// let same = CryptoChoice::from(provider);
/// # let _ = same; }
/// # Ok::<(), kubex::Error>(())
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum CryptoChoice {
    /// Uses the first of these that exists: the default provider that the program has installed in rustls; aws-lc-rs,
    /// if the feature `aws-lc-rs` is enabled; ring, if the feature `ring` is enabled.
    #[default]
    Automatic,
    /// The crypto provider aws-lc-rs.
    #[cfg(feature = "aws-lc-rs")]
    AwsLcRs,
    /// The crypto provider ring. It does not support P-521 keys, and it supports RSA client keys of only a few sizes
    /// and exponents.
    #[cfg(feature = "ring")]
    Ring,
    /// Any other provider.
    Provider(Arc<CryptoProvider>),
}

impl CryptoChoice {
    /// Returns the selected provider.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Unsupported`](kubex_core::ErrorKind::Unsupported) for [`Automatic`](Self::Automatic) if the program
    /// has not installed a provider in rustls, and neither `aws-lc-rs` nor `ring` is enabled.
    pub fn provider(&self) -> Result<Arc<CryptoProvider>> {
        match self {
            Self::Automatic => kubex_tls::default_provider(),
            #[cfg(feature = "ring")]
            Self::Ring => Ok(Arc::new(::rustls::crypto::ring::default_provider())),
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs => Ok(Arc::new(::rustls::crypto::aws_lc_rs::default_provider())),
            Self::Provider(provider) => Ok(Arc::clone(provider)),
        }
    }
}

impl From<Arc<CryptoProvider>> for CryptoChoice {
    fn from(provider: Arc<CryptoProvider>) -> Self {
        Self::Provider(provider)
    }
}

impl fmt::Debug for CryptoChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Automatic => "Automatic",
            #[cfg(feature = "ring")]
            Self::Ring => "Ring",
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs => "AwsLcRs",
            Self::Provider(_) => "Provider",
        })
    }
}
