//! What a client engine may be told.

use crate::base::units::Size;
use crate::base::units::Span;
use crate::h3;
use crate::quic::client::sessions::Sessions;
use crate::quic::config;
use crate::quic::crypto::ClientCrypto;
use crate::quic::crypto::KeyExchange;
use crate::quic::crypto::provider;
use crate::runtime::tls::AnyCertificate;
use quinn_proto::ClientConfig;
use quinn_proto::VarInt;
use rustls::client::Resumption;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

/// Settings of one client engine.
#[derive(Debug, Clone)]
pub struct Config {
    /// Addresses its UDP sockets bind, usually port 0; each address gets one socket, and
    /// connections take turns among those of the server's family. Default `0.0.0.0:0`, `[::]:0`.
    pub bind: Vec<SocketAddr>,
    /// TLS: trust, key exchange, resumption; clones share one session store.
    pub tls: Tls,
    /// Interval of PINGs on a quiet connection; none by default.
    pub keep_alive: Option<Span>,
    /// Silence after which a connection is given up. Default 10 minutes; the server's value counts
    /// too.
    pub idle_timeout: Span,
    /// Bytes the server may send before we took them, a connection and a stream alike. Default
    /// 4 MiB; costs memory only where data waits.
    pub window: Size,
    /// Bytes of the largest datagram path MTU discovery tries towards the server. Default 1200,
    /// which turns it off: requests are small.
    pub mtu_max: u16,
    /// Bytes of each socket's buffers asked of the kernel. Default 4 MiB.
    pub socket_buffer: Size,
    /// HTTP/3 settings.
    pub h3: h3::Config,
}

impl Config {
    /// Defaults with the given TLS.
    pub fn new(tls: Tls) -> Self {
        Self {
            bind: vec![
                SocketAddr::from(([0, 0, 0, 0], 0)),
                SocketAddr::from(([0; 16], 0)),
            ],
            tls,
            keep_alive: None,
            idle_timeout: Span::secs(600),
            window: Size::mib(4),
            mtu_max: 1200,
            socket_buffer: Size::mib(4),
            h3: h3::Config::default(),
        }
    }

    pub(in crate::quic::client) fn quic(&self) -> ClientConfig {
        let mut transport = config::common(self.idle_timeout, self.mtu_max);
        transport
            .keep_alive_interval(self.keep_alive.map(Span::duration))
            .max_concurrent_bidi_streams(VarInt::from_u32(0))
            // Control, QPACK encoder and decoder, and one of no known type (RFC 9114, 6.2).
            .max_concurrent_uni_streams(VarInt::from_u32(4))
            .receive_window(config::window(self.window))
            .stream_receive_window(config::window(self.window));
        let mut client = ClientConfig::new(Arc::new(ClientCrypto {
            tls: Arc::clone(self.tls.config()),
            resumes: self.tls.resumes,
        }));
        client.transport_config(Arc::new(transport));
        client
    }
}

/// Which servers to believe.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Those with a certificate from one of these roots.
    Roots(Arc<rustls::RootCertStore>),
    /// Any: for measuring a server with a self-signed certificate. Signatures are still checked.
    Anybody,
}

/// TLS settings and session store, shared by the engines that hold a clone.
#[derive(Debug, Clone)]
pub struct Tls {
    config: Arc<rustls::ClientConfig>,
    resumes: bool,
}

/// How a client resumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// Never: every handshake is a full one, and TLS state is dropped with the handshake.
    Never,
    /// With tickets of earlier connections to the same name; TLS state is kept until a ticket came.
    Tickets,
    /// As `Tickets`, and requests may travel in the first flight if the server lets them.
    EarlyData,
}

impl Tls {
    /// TLS 1.3 with ALPN `h3`.
    ///
    /// # Errors
    /// The provider lacks TLS 1.3, which the one of this room does not.
    pub fn new(trust: Trust, exchange: KeyExchange, resume: Resume) -> io::Result<Self> {
        let provider = provider(exchange);
        let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(io::Error::other)?;
        let mut config = match trust {
            Trust::Roots(roots) => builder.with_root_certificates(roots).with_no_client_auth(),
            Trust::Anybody => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
                .with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h3".to_vec()];
        config.enable_early_data = resume == Resume::EarlyData;
        config.resumption = match resume {
            Resume::Never => Resumption::disabled(),
            Resume::Tickets | Resume::EarlyData => Resumption::store(Arc::<Sessions>::default()),
        };
        Ok(Self {
            config: Arc::new(config),
            resumes: resume != Resume::Never,
        })
    }

    /// The settings of rustls.
    pub(in crate::quic) const fn config(&self) -> &Arc<rustls::ClientConfig> {
        &self.config
    }
}
