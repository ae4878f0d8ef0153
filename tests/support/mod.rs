//! A whole server in this process: all protocols, on free ports of loopback, with keys and
//! certificate in a directory that goes when the server goes.

#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test binary uses a part of it"
)]

use lamplight::base::units::Size;
use lamplight::config::Config;
use lamplight::server::Server;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;

/// A running server and its data directory. Dropping it cuts what is left.
pub(crate) struct Running {
    server: Option<Server>,
    pub(crate) data: tempfile::TempDir,
}

impl Running {
    /// The default configuration with the bundled course, one worker, free ports.
    pub(crate) fn start() -> Self {
        Self::with(|_config| {})
    }

    /// The same after `change`.
    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut config = config(data.path());
        change(&mut config);
        let server = Server::start(config).unwrap_or_else(|error| panic!("{error}"));
        Self {
            server: Some(server),
            data,
        }
    }

    /// Waits until the server says that it is ready, two minutes at most.
    pub(crate) fn wait_ready(&self) {
        let until = lamplight::runtime::now() + std::time::Duration::from_secs(120);
        while !self.server().not_ready().is_empty() {
            let reasons = self.server().not_ready();
            assert!(lamplight::runtime::now() < until, "not ready: {reasons:?}");
            std::thread::yield_now();
        }
    }

    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    /// The first public address, the same for UDP and TCP.
    pub(crate) fn address(&self) -> SocketAddr {
        *self.server().addresses().first().unwrap()
    }

    /// `https://localhost:PORT` followed by `path`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.address().port())
    }

    /// `http://127.0.0.1:PORT` of the operations listener followed by `path`.
    pub(crate) fn ops(&self, path: &str) -> String {
        format!("http://{}{path}", self.server().ops_address())
    }

    /// The certificate to trust, DER.
    pub(crate) fn certificate(&self) -> Vec<u8> {
        self.server().certificate().unwrap()
    }

    /// What Chromium's `--ignore-certificate-errors-spki-list` takes.
    pub(crate) fn spki(&self) -> String {
        self.server().prints().spki
    }

    /// An HTTP client that trusts this server and no proxy.
    pub(crate) fn client(&self, version: http::Version) -> reqwest::Client {
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let root = reqwest::Certificate::from_der(&self.certificate()).unwrap();
        let builder = reqwest::Client::builder().tls_certs_only([root]).no_proxy();
        let builder = builder.timeout(std::time::Duration::from_secs(120));
        let builder = if version == http::Version::HTTP_2 {
            builder.http2_prior_knowledge()
        } else {
            builder.http1_only()
        };
        builder.build().unwrap()
    }

    /// Begins the drain and leaves the server to its tests.
    pub(crate) fn drain(&self) {
        self.server().drain();
    }

    /// Ends it and says how it ended.
    pub(crate) fn close(mut self) {
        let server = self.server.take().unwrap();
        server.close().unwrap_or_else(|error| panic!("{error}"));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            // A test that fails already has something better to say.
            drop(server.close());
        }
    }
}

/// A client for plain HTTP, past any proxy.
pub(crate) fn plain_client() -> reqwest::Client {
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let builder = reqwest::Client::builder().no_proxy();
    builder
        .timeout(std::time::Duration::from_secs(120))
        .build()
        .unwrap()
}

/// What [`Running::start`] serves with.
pub(crate) fn config(data: &Path) -> Config {
    let mut config = Config::default();
    config.server.listen = vec!["127.0.0.1:0".parse().unwrap()];
    config.server.ops = "127.0.0.1:0".parse().unwrap();
    config.server.data = data.join("data");
    config.server.workers = 1;
    // Written with zeros at every start; the usual size would be most of a test's time.
    config.journal.segment = Size::mib(4);
    config.content.dir = bundled_content();
    config
}

/// The course in the repository.
pub(crate) fn bundled_content() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("content")
}
