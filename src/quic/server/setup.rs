//! What a worker is made of, and the configurations that quinn-proto and rustls want.

use crate::base::budget::Budget;
use crate::h3;
use crate::quic::Config;
use crate::quic::Metrics;
use crate::quic::Socket;
use crate::quic::cid::Mint;
use crate::quic::cid::Owner;
use crate::quic::crypto::KeyExchange;
use crate::quic::crypto::ServerCrypto;
use crate::quic::crypto::provider;
use crate::quic::server::Handover;
use crate::quic::server::Keys;
use quinn_proto::EndpointConfig;
use quinn_proto::ServerConfig;
use rustls::server::NoServerSessionStorage;
use rustls::server::ProducesTickets;
use rustls::server::ResolvesServerCert;
use rustls::server::ServerSessionMemoryCache;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Everything one worker's QUIC loop needs.
#[derive(Debug)]
pub struct Setup<S> {
    /// Bound sockets, the same addresses in the same order on every worker.
    pub sockets: Vec<Socket>,
    /// Checked settings.
    pub config: Config,
    /// HTTP/3 settings.
    pub h3: h3::Config,
    /// TLS, made by [`tls`] once for all workers.
    pub tls: Arc<rustls::ServerConfig>,
    /// Secrets, the same on all workers and nodes and after a restart.
    pub keys: Keys,
    /// Which worker of which process of which node this is.
    pub owner: Owner,
    /// This worker's end of the hand-over queues.
    pub handover: Handover,
    /// Connections the process may have, over all transports.
    pub budget: Arc<Budget>,
    /// This worker's numbers.
    pub metrics: Arc<Metrics>,
    /// This worker's HTTP/3 numbers.
    pub h3_metrics: Arc<h3::Metrics>,
    /// The application.
    pub service: Rc<S>,
}

/// TLS 1.3 with ALPN `h3`, X25519MLKEM768 and X25519, and folded packet keys. Sessions resume with
/// `tickets`; with early data they are kept in memory, for rustls grants early data only then.
///
/// # Errors
/// [`rustls::Error`] if the provider lacks TLS 1.3, which would be a build fault.
pub fn tls(
    config: &Config,
    certificates: Arc<dyn ResolvesServerCert>,
    tickets: Arc<dyn ProducesTickets>,
) -> Result<Arc<rustls::ServerConfig>, rustls::Error> {
    let builder = rustls::ServerConfig::builder_with_provider(provider(KeyExchange::Hybrid));
    let builder = builder.with_protocol_versions(&[&rustls::version::TLS13])?;
    let mut tls = builder
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    tls.alpn_protocols = vec![b"h3".to_vec()];
    // One ticket: a client that resumes gets the next one then.
    tls.send_tls13_tickets = 1;
    if config.early_data {
        tls.max_early_data_size = u32::MAX;
        tls.session_storage = ServerSessionMemoryCache::new(config.early_sessions_max);
    } else {
        tls.session_storage = Arc::new(NoServerSessionStorage {});
        tls.ticketer = tickets;
    }
    Ok(Arc::new(tls))
}

pub(super) fn endpoint(keys: &Keys, node: u16, mint: Mint) -> EndpointConfig {
    let mut endpoint = EndpointConfig::new(keys.reset(node));
    endpoint
        .cid_generator(move || Box::new(mint.clone()))
        .supported_versions(vec![QUIC_V1])
        .min_reset_interval(RESET_INTERVAL);
    endpoint
}

pub(super) fn server(
    config: &Config,
    keys: &Keys,
    tls: &Arc<rustls::ServerConfig>,
) -> ServerConfig {
    let crypto = Arc::new(ServerCrypto(Arc::clone(tls)));
    let mut server = ServerConfig::new(crypto, keys.address());
    server
        .transport_config(Arc::new(config.transport()))
        .migration(config.migration)
        // Newcomers are admitted or refused at once, so nothing waits here for long.
        .max_incoming(INCOMING_MAX)
        .incoming_buffer_size(INCOMING_BYTES)
        .incoming_buffer_size_total(INCOMING_BYTES_TOTAL);
    server
}

const QUIC_V1: u32 = 1;
/// After a restart every learner's next packet deserves a reset, so that it reconnects at once;
/// loops cannot arise, since a reset is smaller than what caused it (RFC 9000, 10.3.3).
const RESET_INTERVAL: Duration = Duration::from_micros(50);
const INCOMING_MAX: usize = 1024;
const INCOMING_BYTES: u64 = 16 * 1024;
const INCOMING_BYTES_TOTAL: u64 = 4 * 1024 * 1024;
