//! What all workers share.

use crate::base::network::Network;
use crate::content::Library;
use crate::http::Request;
use crate::http::cors::Origins;
use crate::http::forwarded::Told;
use crate::runtime::Shutdown;
use crate::service::Config;
use crate::service::Learning;
use crate::service::assets::Page;
use crate::service::assets::SignIn;
use crate::service::reference;
use crate::service::signing::lies_below;
use crate::service::url_keys::UrlKeys;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::LazyLock;

/// What all workers share: configuration, content, the prepared page, the stop signal.
#[derive(Debug)]
pub struct Shared {
    pub(crate) config: Config,
    pub(crate) origins: Origins,
    pub(crate) library: Arc<Library>,
    pub(crate) shutdown: Shutdown,
    pub(crate) page: Option<Page>,
    pub(crate) url_keys: Arc<UrlKeys>,
    pub(crate) learning: Option<Arc<Learning>>,
    edges: Vec<Network>,
}

/// What [`Shared`] is made of.
#[derive(Debug)]
pub struct Setup {
    /// `[public]`.
    pub config: Config,
    /// What is served.
    pub library: Arc<Library>,
    /// Says when to send newcomers elsewhere.
    pub shutdown: Shutdown,
    /// Keys of signed URLs.
    pub url_keys: Arc<UrlKeys>,
    /// Networks of edges, which say for whom they ask.
    pub edges: Vec<Network>,
    /// The learners; without them everything about sessions is 404.
    pub learning: Option<Arc<Learning>>,
}

impl Setup {
    /// Without signed URLs, edges and learners.
    pub fn new(config: Config, library: Arc<Library>, shutdown: Shutdown) -> Self {
        Self {
            config,
            library,
            shutdown,
            url_keys: UrlKeys::none(),
            edges: Vec::new(),
            learning: None,
        }
    }
}

impl Shared {
    /// Prepares what is the same for all workers; compresses the page and the description of the
    /// interface, some 50 ms.
    pub fn new(setup: Setup) -> Arc<Self> {
        LazyLock::force(&reference::OPENAPI);
        let config = setup.config;
        let learning = setup.learning;
        let dev = learning
            .as_ref()
            .is_some_and(|learning| learning.has_dev_issuer());
        let sign_in = if dev { SignIn::Dev } else { SignIn::Off };
        Arc::new(Self {
            origins: Origins::new(&config.origins),
            page: config
                .page
                .then(|| Page::prepare(&config.media_base, sign_in)),
            config,
            library: setup.library,
            shutdown: setup.shutdown,
            url_keys: setup.url_keys,
            learning,
            edges: setup.edges,
        })
    }

    fn is_edge(&self, address: IpAddr) -> bool {
        self.edges.iter().any(|network| network.contains(address))
    }

    /// What an edge says of a request it passes on; nothing if no edge sent it.
    pub(crate) fn told<'a>(&self, request: &Request<'a>) -> Told<'a> {
        if !self.is_edge(request.peer.ip()) {
            return Told::default();
        }
        let family = self.config.edge_fields;
        Told::of(request.head.fields, family, |hop| self.is_edge(hop))
    }

    /// The network that a request comes from.
    pub(crate) fn client(&self, request: &Request<'_>) -> Network {
        let told = self.told(request).client;
        Network::around(told.unwrap_or_else(|| request.peer.ip()))
    }

    /// Whether a decoded path is served with a signature only.
    pub(crate) fn wants_signature(&self, path: &str) -> bool {
        let mut signed = self.config.signed.iter();
        signed.any(|prefix| lies_below(path, prefix))
    }
}
