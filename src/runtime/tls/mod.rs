//! TLS: the certificate in use, session tickets, and the configuration of the TCP side.
//!
//! - [`Identity`]: certificate and key, from PEM files or self-signed; a reload replaces them for
//!   later handshakes and touches no connection that is up.
//! - [`AnyCertificate`]: for clients that only look.
//! - [`Tickets`]: stateless resumption under keys of the keyring.
//! - [`tcp`]: TLS 1.3 and 1.2, ALPN `h2` and `http/1.1`, no early data. QUIC builds its own
//!   configuration from the same [`Identity`] and tickets under another key.
//!
//! The provider is aws-lc-rs with X25519MLKEM768 preferred, then X25519 and P-256.

mod anybody;
mod identity;
mod self_signed;
mod tickets;

pub use anybody::AnyCertificate;
pub use identity::Config;
pub use identity::Identity;
pub use identity::Prints;
pub use identity::TlsError;
pub use tickets::Tickets;

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs;
use std::sync::Arc;

/// Tickets sent after a full handshake over TCP: a browser opens a second connection at times.
const TCP_TICKETS: usize = 2;

/// The cryptography in use: aws-lc-rs' cipher suites, key exchange X25519MLKEM768, X25519, P-256.
pub fn provider() -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = vec![
        aws_lc_rs::kx_group::X25519MLKEM768,
        aws_lc_rs::kx_group::X25519,
        aws_lc_rs::kx_group::SECP256R1,
    ];
    Arc::new(provider)
}

/// The configuration of TCP listeners. Early data stays off: HTTP/2 and HTTP/1.1 behind proxies
/// cannot tell a replayed request apart.
///
/// # Errors
/// [`rustls::Error`] if the provider lacks a protocol version, which would be a build fault.
pub fn tcp(
    identity: Arc<Identity>,
    tickets: Arc<Tickets>,
) -> Result<Arc<rustls::ServerConfig>, rustls::Error> {
    let builder = rustls::ServerConfig::builder_with_provider(provider());
    let versions = [&rustls::version::TLS13, &rustls::version::TLS12];
    let builder = builder.with_protocol_versions(&versions)?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(identity);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = tickets;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    config.send_tls13_tickets = TCP_TICKETS;
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}
