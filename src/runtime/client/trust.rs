//! Whom to trust.

use crate::runtime::client::ClientError;
use crate::runtime::client::Limits;
use crate::runtime::tls::AnyCertificate;
use crate::runtime::tls::provider;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::path::PathBuf;
use std::sync::Arc;

/// Whose certificates are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// The authorities of this system.
    System,
    /// The authorities, or the very certificate, in this PEM file.
    File(PathBuf),
    /// Anybody's: only to look at a server, never to believe it.
    Anybody,
}

/// Makes connections.
#[derive(Debug, Clone)]
pub struct Client {
    pub(super) tls: ClientConfig,
    pub(super) limits: Limits,
}

impl Client {
    /// A client that trusts `trust`.
    ///
    /// # Errors
    /// [`ClientError::Trust`].
    pub fn new(trust: &Trust, limits: Limits) -> Result<Self, ClientError> {
        let tls = tls_settings(trust)?;
        Ok(Self { tls, limits })
    }
}

/// TLS settings of a client that trusts `trust`, for protocols other than HTTP too.
///
/// # Errors
/// [`ClientError::Trust`].
pub fn tls_settings(trust: &Trust) -> Result<ClientConfig, ClientError> {
    let versions = [&rustls::version::TLS13, &rustls::version::TLS12];
    let builder = ClientConfig::builder_with_provider(provider());
    let builder = builder
        .with_protocol_versions(&versions)
        .map_err(|e| refused(trust, &e))?;
    Ok(match trust {
        Trust::Anybody => {
            let verifier = Arc::new(AnyCertificate(provider()));
            let builder = builder
                .dangerous()
                .with_custom_certificate_verifier(verifier);
            builder.with_no_client_auth()
        }
        Trust::System | Trust::File(_) => builder
            .with_root_certificates(roots(trust)?)
            .with_no_client_auth(),
    })
}

fn roots(trust: &Trust) -> Result<RootCertStore, ClientError> {
    let mut roots = RootCertStore::empty();
    match trust {
        Trust::File(path) => {
            let read = CertificateDer::pem_file_iter(path).map_err(|e| refused(trust, &e))?;
            for certificate in read {
                let certificate = certificate.map_err(|e| refused(trust, &e))?;
                roots.add(certificate).map_err(|e| refused(trust, &e))?;
            }
        }
        Trust::System | Trust::Anybody => {
            let loaded = rustls_native_certs::load_native_certs();
            let (_added, _ignored) = roots.add_parsable_certificates(loaded.certs);
        }
    }
    if roots.is_empty() {
        return Err(refused(trust, &"there is none"));
    }
    Ok(roots)
}

fn refused(trust: &Trust, why: &dyn std::fmt::Display) -> ClientError {
    let place = match trust {
        Trust::File(path) => path.display().to_string(),
        Trust::System | Trust::Anybody => "this system".to_owned(),
    };
    let why = why.to_string();
    ClientError::Trust { place, why }
}
