//! Keys that lie at an issuer's own server, which rotates, is asked by a crowd, and goes away.

use crate::client::Client;
use crate::forge::Forge;
use crate::key_server::KeyServer;
use crate::school::PHONE;
use crate::school::School;
use crate::school::log_in;
use crate::school::refused;
use lamplight::config::Config;
use std::path::Path;
use std::time::Duration;

const FETCHED: &str = "lamplight_key_set_fetches_total{outcome=\"ok\"}";

/// Takes the issuer's keys from this server, checked by its certificate.
fn fetching<'a>(server: &'a KeyServer, dir: &'a Path) -> impl FnOnce(&mut Config) + 'a {
    let trust = dir.join("authority.pem");
    std::fs::write(&trust, &server.certificate).unwrap();
    move |config| {
        config.identity.trust = trust;
        config.identity.issuers[0].keys = format!("https://localhost:{}/certs", server.port);
    }
}

/// Waits until the keys of the start were fetched.
async fn fetched(school: &School) {
    let until = lamplight::runtime::now() + Duration::from_secs(60);
    while school.metric(FETCHED).await == 0 {
        assert!(lamplight::runtime::now() < until, "never fetched");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_with_a_new_key_makes_one_request_to_the_issuer() {
    let (old, new) = (Forge::new(1), Forge::new(3));
    let (server, dir) = (
        KeyServer::start(Some(old.key_set())),
        tempfile::tempdir().unwrap(),
    );
    let school = School::with(fetching(&server, dir.path()));
    fetched(&school).await;
    let asked = server.asked();
    server.rotate(Some(new.key_set().replace("\"k\"", "\"k2\"")));
    let header = r#"{"alg":"EdDSA","kid":"k2"}"#;
    let mut crowd = tokio::task::JoinSet::new();
    for n in 0..34 {
        for mut client in school.clients().await {
            let claims = crate::forge::claims(&format!("learner {n}"), |_| {});
            let token = new.sign(header, &claims);
            crowd.spawn(async move { log_in(&mut client, &token, PHONE).await });
        }
    }
    for reply in crowd.join_all().await {
        assert_eq!(reply.status, 201, "{}", reply.text());
    }
    assert_eq!(server.asked(), asked + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_issuer_is_away_known_keys_work_and_others_are_asked_to_wait() {
    let issuer = Forge::new(1);
    let (server, dir) = (
        KeyServer::start(Some(issuer.key_set())),
        tempfile::tempdir().unwrap(),
    );
    let school = School::with(fetching(&server, dir.path()));
    fetched(&school).await;
    server.rotate(None);
    let claims = crate::forge::claims("lan", |_| {});
    let unknown = Forge::new(3).sign(r#"{"alg":"EdDSA","kid":"k2"}"#, &claims);
    let mut clients: Vec<Client> = school.clients().await;
    for client in &mut clients {
        let reply = log_in(client, &unknown, PHONE).await;
        refused(&reply, 503, "issuer-away", client.name());
        assert!(reply.field("retry-after").is_some(), "{}", reply.text());
        school.sign_in(client, "lan", PHONE).await;
    }
}
