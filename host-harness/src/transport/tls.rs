//! TLS: whose certificates count, and what is remembered of earlier sessions.

use super::TransportError;
use hyper_rustls::ConfigBuilderExt;
use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::sync::{Arc, OnceLock};

/// Servers of whose sessions something is kept. A client talks to one, and to few others if to any.
const SESSIONS: usize = 8;

/// Whose certificates count.
#[derive(Debug, Clone, Default)]
pub enum Trust {
    /// Those of all authorities that the machine trusts. The variables `SSL_CERT_FILE` and `SSL_CERT_DIR` name other
    /// places to look for them.
    #[default]
    System,
    /// Those of these authorities and no others.
    Only(Arc<Authorities>),
}

/// The only authorities that count for somebody.
#[derive(Debug)]
pub struct Authorities {
    roots: Arc<RootCertStore>,
    /// Made once, as that of the system.
    config: OnceLock<Result<ClientConfig, TransportError>>,
}

/// Why a file names no authorities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// There is none in it.
    #[error(
        "it holds no certificate; it should be a PEM file with -----BEGIN CERTIFICATE----- in it"
    )]
    Empty,
    /// One cannot be read or used.
    #[error("certificate {number} in it cannot be used: {reason}")]
    Bad {
        /// Its place in the file, from 1.
        number: usize,
        /// What is wrong.
        reason: String,
    },
}

impl Trust {
    /// Reads the authorities of a PEM file (RFC 7468).
    ///
    /// # Errors
    ///
    /// Where it holds no certificate, or one that cannot be used: nobody should believe that an authority counts when
    /// it does not.
    pub fn only(pem: &[u8]) -> Result<Trust, TrustError> {
        let mut roots = RootCertStore::empty();
        for (index, certificate) in CertificateDer::pem_slice_iter(pem).enumerate() {
            let bad = |reason: String| TrustError::Bad {
                number: index + 1,
                reason,
            };
            let certificate = certificate.map_err(|error| bad(error.to_string()))?;
            roots
                .add(certificate)
                .map_err(|error| bad(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(TrustError::Empty);
        }
        Ok(Trust::Only(Arc::new(Authorities {
            roots: Arc::new(roots),
            config: OnceLock::new(),
        })))
    }
}

impl Authorities {
    fn config(&self) -> Result<ClientConfig, TransportError> {
        let make = || {
            let builder = builder()?.with_root_certificates(self.roots.clone());
            Ok(builder.with_no_client_auth())
        };
        self.config.get_or_init(make).clone()
    }
}

/// A configuration that remembers sessions of its own and shares them with no other.
///
/// # Errors
///
/// Where the system is trusted and has no usable root certificates.
pub fn tls(trust: &Trust) -> Result<ClientConfig, TransportError> {
    let mut config = match trust {
        Trust::System => system()?,
        Trust::Only(authorities) => authorities.config()?,
    };
    // Copies of a configuration have one store in common.
    config.resumption = Resumption::in_memory_sessions(SESSIONS);
    Ok(config)
}

/// The roots are read from disk once per process.
fn system() -> Result<ClientConfig, TransportError> {
    static TLS: OnceLock<Result<ClientConfig, TransportError>> = OnceLock::new();
    let load = || {
        Ok(builder()?
            .with_native_roots()
            .map_err(|error| TransportError::Roots(error.to_string()))?
            .with_no_client_auth())
    };
    TLS.get_or_init(load).clone()
}

/// The provider is named here and not taken from the process: a default that some other library installs, or
/// fails to install, must not decide about our TLS.
fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, TransportError> {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| TransportError::Tls(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_usable_certificate_is_no_trust() {
        for (pem, words) in [
            ("", "holds no certificate"),
            ("not PEM at all", "holds no certificate"),
            (
                "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
                "holds no certificate",
            ),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                "certificate 1 in it cannot be used",
            ),
            (
                "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
                "certificate 1 in it cannot be used",
            ),
        ] {
            let error = Trust::only(pem.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(words), "{pem:?}: {error}");
        }
    }
}
