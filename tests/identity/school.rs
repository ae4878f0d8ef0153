//! A server that believes the test's issuer, and people who sign in there.

use crate::client::Client;
use crate::client::Reply;
use crate::forge::Forge;
use crate::forge::NAME;
use crate::support::Running;
use lamplight::config::Config;
use lamplight::issuers::Mode;
use serde_json::json;
use std::path::PathBuf;

pub(crate) const PHONE: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
pub(crate) const LAPTOP: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

/// A server and its issuer.
pub(crate) struct School {
    pub(crate) running: Running,
    pub(crate) issuer: Forge,
    keys: tempfile::TempDir,
}

impl School {
    pub(crate) fn start() -> Self {
        Self::with(|_config| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let (issuer, keys) = (Forge::new(1), tempfile::tempdir().unwrap());
        let path = keys.path().join("issuer.json");
        std::fs::write(&path, issuer.key_set()).unwrap();
        let rules = format!(
            "issuer = {NAME:?}\naudiences = [\"lamplight\"]\nkeys = {path:?}\n\
             locality_claim = \"commune\"\nunit_claim = \"school\"\nlevels = {{ loa2 = 2 }}"
        );
        let running = Running::with(|config| {
            config.server.workers = 2;
            config.identity.mode = Mode::Issuers;
            config.identity.issuers = vec![toml::from_str(&rules).unwrap()];
            change(config);
        });
        running.wait_ready();
        Self {
            running,
            issuer,
            keys,
        }
    }

    /// A client of each version, HTTP/1.1 first.
    pub(crate) async fn clients(&self) -> Vec<Client> {
        let certificate = self.running.certificate().into();
        Client::all(self.running.address(), &certificate).await
    }

    /// Signs `subject` in on `device`; the session's token.
    pub(crate) async fn sign_in(&self, client: &mut Client, subject: &str, device: &str) -> String {
        let reply = log_in(client, &self.issuer.token(subject), device).await;
        assert_eq!(reply.status, 201, "{}: {}", client.name(), reply.text());
        reply.json()["session"].as_str().unwrap().to_owned()
    }

    /// The file of the issuer's key set.
    pub(crate) fn keys_file(&self) -> PathBuf {
        self.keys.path().join("issuer.json")
    }

    /// The value of a metric with its label as `/metrics` shows it, e.g. `a_total{b="c"}`.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let url = self.running.ops("/metrics");
        let reply = crate::support::plain_client()
            .get(url)
            .send()
            .await
            .unwrap();
        let text = reply.text().await.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name}"))
            .trim()
            .parse()
            .unwrap()
    }

    /// Reads keys and configuration again.
    pub(crate) async fn reload(&self) {
        let url = self.running.ops("/admin/reload");
        let reply = crate::support::plain_client()
            .post(url)
            .send()
            .await
            .unwrap();
        assert_eq!(reply.status(), 200, "{}", reply.text().await.unwrap());
    }
}

/// `POST /v1/sessions` with an issuer's token.
pub(crate) async fn log_in(client: &mut Client, token: &str, device: &str) -> Reply {
    let bearer = format!("Bearer {token}");
    let body = json!({"device": device, "locale": "vi"}).to_string();
    let fields = [("authorization", bearer.as_str()), JSON];
    client
        .send("POST", "/v1/sessions", &fields, body.as_bytes())
        .await
}

pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");

/// A call with a session's token and without content.
pub(crate) async fn call(client: &mut Client, method: &str, path: &str, session: &str) -> Reply {
    let bearer = format!("Bearer {session}");
    client
        .ask(method, path, &[("authorization", &bearer)])
        .await
}

/// Asserts a problem of this type.
pub(crate) fn refused(reply: &Reply, status: u16, slug: &str, whom: &str) {
    assert_eq!(reply.status, status, "{whom}: {}", reply.text());
    assert_eq!(
        reply.json()["type"],
        format!("/problems/{slug}"),
        "{whom}: {}",
        reply.text()
    );
    assert_eq!(reply.field("cache-control"), Some("no-store"), "{whom}");
}
