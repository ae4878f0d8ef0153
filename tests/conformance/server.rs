//! The two servers under test: the engine with a service that takes content, and the whole product.

use crate::support;
use lamplight::config;
use rustls::pki_types::CertificateDer;
use std::net::SocketAddr;
use std::path::Path;

/// A server that ends when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) certificate: CertificateDer<'static>,
    /// A target that is answered with 200.
    pub(crate) target: &'static str,
    running: Running,
}

enum Running {
    #[expect(dead_code, reason = "held for its drop")]
    Engine(support::Server),
    Whole(Option<lamplight::server::Server>, tempfile::TempDir),
}

impl Server {
    /// The engine with a service that takes content.
    pub(crate) fn engine() -> Self {
        let server = support::Server::start(support::Options::default());
        Self {
            address: server.address,
            certificate: server.secrets.identity.certificate().unwrap(),
            target: "/hello",
            running: Running::Engine(server),
        }
    }

    /// Everything that `lamplight serve` runs, over the bundled course.
    pub(crate) fn whole() -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut config = config::Config::default();
        config.server.listen = vec!["127.0.0.1:0".parse().unwrap()];
        config.server.ops = "127.0.0.1:0".parse().unwrap();
        config.server.data = data.path().to_owned();
        config.server.workers = 2;
        config.content.dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("content");
        let server = lamplight::server::Server::start(config).unwrap();
        Self {
            address: server.addresses()[0],
            certificate: server.certificate().unwrap().into(),
            target: "/v1/courses",
            running: Running::Whole(Some(server), data),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Running::Whole(server, _data) = &mut self.running {
            server.take().unwrap().close().unwrap();
        }
    }
}
