//! A whole server in this process: bundled course, free ports, a data directory of its own.

use crate::client::Client;
use lamplight::config::Config;
use lamplight::server::Server;

pub(crate) struct House {
    server: Option<Server>,
    _data: tempfile::TempDir,
}

impl House {
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let data = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.server.listen = vec!["127.0.0.1:0".parse().unwrap()];
        config.server.ops = "127.0.0.1:0".parse().unwrap();
        config.server.data = data.path().to_owned();
        config.server.workers = 2;
        config.content.dir = concat!(env!("CARGO_MANIFEST_DIR"), "/content").into();
        change(&mut config);
        Self {
            server: Some(Server::start(config).unwrap()),
            _data: data,
        }
    }

    /// A client of each version, HTTP/1.1 first.
    pub(crate) async fn clients(&self) -> Vec<Client> {
        let server = self.server.as_ref().unwrap();
        let certificate = server.certificate().unwrap().into();
        Client::all(server.addresses()[0], &certificate).await
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.close().unwrap();
        }
    }
}
