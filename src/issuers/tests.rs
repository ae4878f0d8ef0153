//! Against a real HTTPS server that can be told to rotate, fail, and count.

use crate::base::metrics::Sample;
use crate::base::metrics::Source as _;
use crate::base::units::Span;
use crate::identity::DevIssuer;
use crate::identity::Level;
use crate::identity::TokenError;
use crate::issuers::Config;
use crate::issuers::IssuerConfig;
use crate::issuers::Issuers;
use crate::issuers::IssuersError;
use crate::issuers::Mode;
use crate::issuers::Refused;
use crate::issuers::key_server::KeyServer;
use crate::runtime;
use crate::runtime::Shutdown;
use crate::runtime::block_on;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const PATIENT: Duration = Duration::from_secs(60);

/// A configuration that believes the development issuer by the keys of this server.
fn config_of(server: &KeyServer, dir: &Path) -> Config {
    let trust = dir.join("authority.pem");
    std::fs::write(&trust, &server.certificate).unwrap();
    let url = format!("https://localhost:{}/certs", server.port);
    Config {
        trust,
        ..config(&url)
    }
}

fn config(keys: &str) -> Config {
    let rules = format!(
        "issuer = {:?}\naudiences = [\"lamplight\"]\nkeys = {keys:?}\nlevels = {{ \"3\" = 3 }}",
        DevIssuer::NAME
    );
    Config {
        mode: Mode::Issuers,
        issuers: vec![toml::from_str(&rules).unwrap()],
        ..Config::default()
    }
}

fn dev(seed: u8) -> DevIssuer {
    DevIssuer::new(&[seed; 32]).unwrap()
}

/// A key set whose key is named so.
fn set(seed: u8, kid: &str) -> Option<String> {
    Some(dev(seed).key_set().replace("\"dev\"", &format!("{kid:?}")))
}

fn token(seed: u8, kid: &str) -> String {
    dev(seed).token_of(kid, "hoa", Level::new(3).unwrap(), now_s())
}

fn now_s() -> i64 {
    i64::try_from(runtime::unix_ms() / 1000).unwrap()
}

fn count(issuers: &Issuers, name: &str, label: Option<&str>) -> i64 {
    let mut samples = Vec::new();
    issuers.sample(&mut samples);
    let named = |s: &&Sample| s.name == name && s.label.map(|(_, value)| value) == label;
    samples.iter().find(named).unwrap().value
}

/// Waits until `is` holds.
async fn until(is: impl Fn() -> bool) {
    let end = runtime::now() + PATIENT;
    while !is() {
        assert!(runtime::now() < end, "waited in vain");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn with_issuers<F: Future<Output = ()>>(
    config: &Config,
    data: &Path,
    test: impl FnOnce(Arc<Issuers>) -> F,
) {
    let issuers = Issuers::open(config, data, [7; 32]).unwrap();
    block_on(async {
        let (trigger, closed) = Shutdown::new();
        issuers.keep(&closed);
        test(issuers).await;
        trigger.close();
        runtime::drained(0).await;
    });
}

#[test]
fn a_hundred_log_ins_with_a_new_key_ask_the_issuer_once() {
    let (server, dir) = (KeyServer::start(set(1, "a")), tempfile::tempdir().unwrap());
    let config = config_of(&server, dir.path());
    with_issuers(&config, dir.path(), async |issuers| {
        let claims = issuers.verify(&token(1, "a")).await.unwrap();
        assert_eq!(claims.level.number(), 3);
        until(|| count(&issuers, "lamplight_key_set_fetches", Some("ok")) == 1).await;
        server.rotate(set(2, "b"));
        let mut all = Vec::new();
        for _ in 0..100 {
            let issuers = Arc::clone(&issuers);
            let (tell, told) = tokio::sync::oneshot::channel();
            runtime::spawn("log-in", async move {
                drop(tell.send(issuers.verify(&token(2, "b")).await.map(drop)));
            });
            all.push(told);
        }
        for told in all {
            assert_eq!(told.await.unwrap(), Ok(()));
        }
        assert_eq!(server.asked(), 2);
        // Names that nobody has do not make us ask again within the minute.
        for kid in ["c", "d", "e"] {
            let refused = issuers.verify(&token(2, kid)).await.unwrap_err();
            let unknown = TokenError::UnknownKey(kid.to_owned());
            assert_eq!(refused, Refused::Token(unknown));
        }
        assert_eq!(server.asked(), 2);
        assert_eq!(count(&issuers, "lamplight_tokens", Some("believed")), 101);
        assert_eq!(count(&issuers, "lamplight_tokens", Some("unknown_key")), 3);
    });
}

#[test]
fn an_issuer_that_is_away_ends_no_log_in_with_a_known_key() {
    let (server, dir) = (KeyServer::start(set(1, "a")), tempfile::tempdir().unwrap());
    let config = config_of(&server, dir.path());
    with_issuers(&config, dir.path(), async |issuers| {
        assert!(issuers.verify(&token(1, "a")).await.is_ok());
        until(|| count(&issuers, "lamplight_key_set_fetches", Some("ok")) == 1).await;
        server.rotate(None);
        let away = issuers.verify(&token(2, "b")).await;
        assert!(matches!(away, Err(Refused::Away { .. })), "{away:?}");
        assert!(issuers.verify(&token(1, "a")).await.is_ok());
        assert_eq!(count(&issuers, "lamplight_tokens", Some("issuer_away")), 1);
    });
    // Nor does a restart of ours meanwhile.
    with_issuers(&config, dir.path(), async |issuers| {
        until(|| count(&issuers, "lamplight_key_set_fetches", Some("failed")) > 0).await;
        assert!(issuers.verify(&token(1, "a")).await.is_ok());
        assert_eq!(count(&issuers, "lamplight_issuers_keyless", None), 0);
    });
}

#[test]
fn an_issuer_whose_keys_were_never_had_is_said_to_be_away_and_heals() {
    let (server, dir) = (KeyServer::start(None), tempfile::tempdir().unwrap());
    let config = config_of(&server, dir.path());
    with_issuers(&config, dir.path(), async |issuers| {
        let away = issuers.verify(&token(1, "a")).await;
        assert!(matches!(away, Err(Refused::Away { .. })), "{away:?}");
        assert_eq!(count(&issuers, "lamplight_issuers_keyless", None), 1);
        server.rotate(set(1, "a"));
        until(|| count(&issuers, "lamplight_key_set_fetches", Some("ok")) > 0).await;
        assert!(issuers.verify(&token(1, "a")).await.is_ok());
        assert_eq!(count(&issuers, "lamplight_issuers_keyless", None), 0);
    });
}

#[test]
fn keys_from_a_server_that_is_not_the_issuers_are_not_taken() {
    let (server, dir) = (KeyServer::start(set(1, "a")), tempfile::tempdir().unwrap());
    let other = KeyServer::start(set(1, "a"));
    let mut config = config_of(&server, dir.path());
    std::fs::write(&config.trust, &other.certificate).unwrap();
    config.key_sets_every = Span::secs(60);
    with_issuers(&config, dir.path(), async |issuers| {
        until(|| count(&issuers, "lamplight_key_set_fetches", Some("failed")) > 0).await;
        assert!(issuers.verify(&token(1, "a")).await.is_err());
        assert_eq!(server.asked(), 0);
    });
}

#[test]
fn a_file_of_keys_is_read_again_on_reload_and_a_bad_one_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys.json");
    let config = config(path.to_str().unwrap());
    let missing = Issuers::open(&config, dir.path(), [7; 32]);
    assert!(matches!(missing, Err(IssuersError::File { .. })));
    std::fs::write(&path, set(1, "a").unwrap()).unwrap();
    with_issuers(&config, dir.path(), async |issuers| {
        assert!(issuers.verify(&token(1, "a")).await.is_ok());
        std::fs::write(&path, "{}").unwrap();
        let error = issuers.reload().unwrap_err().to_string();
        assert!(error.contains("keys.json holds no key set"), "{error}");
        assert!(issuers.verify(&token(1, "a")).await.is_ok());
        std::fs::write(&path, set(2, "b").unwrap()).unwrap();
        issuers.reload().unwrap();
        assert!(issuers.verify(&token(2, "b")).await.is_ok());
        assert!(issuers.verify(&token(1, "a")).await.is_err());
    });
}

#[test]
fn the_development_issuer_signs_in_its_mode_only() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config {
        mode: Mode::Dev,
        ..Config::default()
    };
    with_issuers(&config, dir.path(), async |issuers| {
        let token = issuers.dev_token("hoa", Level::LOWEST, now_s()).unwrap();
        assert!(issuers.verify(&token).await.is_ok());
        // Its key is of this process alone.
        let stranger = dev(1).token("hoa", Level::LOWEST, now_s());
        let refused = issuers.verify(&stranger).await.unwrap_err();
        assert_eq!(refused, Refused::Token(TokenError::Signature));
    });
    config.mode = Mode::Off;
    let issuers = Issuers::open(&config, dir.path(), [7; 32]).unwrap();
    assert!(issuers.dev_token("hoa", Level::LOWEST, now_s()).is_none());
}

#[test]
fn what_cannot_be_meant_is_said_with_the_remedy() {
    let loopback = ["127.0.0.1:1".parse().unwrap(), "[::1]:1".parse().unwrap()];
    let wrong = |change: &dyn Fn(&mut Config)| {
        let mut config = config("/keys.json");
        change(&mut config);
        config.check(&loopback).unwrap_err().to_string()
    };
    let issuer = |change: &dyn Fn(&mut IssuerConfig)| wrong(&|c| change(&mut c.issuers[0]));
    assert_eq!(config("/keys.json").check(&loopback), Ok(()));
    assert_eq!(
        Config::default().check(&["0.0.0.0:1".parse().unwrap()]),
        Ok(())
    );
    assert!(wrong(&|c| c.issuers.clear()).contains("[[identity.issuers]]"));
    assert!(wrong(&|c| c.key_sets_every = Span::secs(5)).contains("identity.key_sets_every is 5s"));
    assert!(wrong(&|c| c.session_lifetime = Span::secs(1)).contains("5m to 7d"));
    assert!(wrong(&|c| c.session_age_max = Span::secs(600)).contains("session_age_max"));
    assert!(wrong(&|c| c.issuers = vec![c.issuers[0].clone(); 2]).contains("listed twice"));
    assert!(wrong(&|c| c.issuers = vec![c.issuers[0].clone(); 17]).contains("lists 17"));
    assert!(wrong(&|c| c.mode = Mode::Dev).contains("is built in"));
    assert!(issuer(&|i| i.audiences.clear()).contains("audiences"));
    assert!(issuer(&|i| i.keys.clear()).contains("`keys` is empty"));
    assert!(issuer(&|i| i.keys = "http://id.example/certs".to_owned()).contains("must be https"));
    assert!(issuer(&|i| i.keys = "ftp://id.example/certs".to_owned()).contains("`keys`"));
    assert!(issuer(&|i| i.leeway = Span::secs(301)).contains("leeway"));
    let exposed = Config {
        mode: Mode::Dev,
        ..Config::default()
    };
    let error = exposed
        .check(&["10.0.0.1:443".parse().unwrap()])
        .unwrap_err();
    assert!(
        error.to_string().contains("10.0.0.1:443 can be reached"),
        "{error}"
    );
    assert_eq!(exposed.check(&loopback), Ok(()));
}
