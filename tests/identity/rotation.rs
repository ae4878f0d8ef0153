//! Keys that change while learners are signed in.

use crate::forge::Forge;
use crate::school::PHONE;
use crate::school::School;
use crate::school::call;
use crate::school::refused;
use data_encoding::BASE64URL_NOPAD;
use std::os::unix::fs::PermissionsExt as _;

/// The number of the key that sealed a session's token.
fn sealed_with(session: &str) -> u32 {
    let bytes = BASE64URL_NOPAD.decode(session.as_bytes()).unwrap();
    u32::from_be_bytes(bytes[1..5].try_into().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotating_the_keyring_ends_nobodys_session() {
    let school = School::start();
    let keys = school.running.data.path().join("data/keys");
    let mut clients = school.clients().await;
    let old = school.sign_in(&mut clients[0], "lan", PHONE).await;
    assert_eq!(sealed_with(&old), 1);
    let path = keys.join("master-2.key");
    std::fs::write(&path, "ab".repeat(32)).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    school.reload().await;
    let mut fresh = String::new();
    for client in &mut clients {
        assert_eq!(call(client, "GET", "/v1/session", &old).await.status, 200);
        let renewed = call(client, "POST", "/v1/session/renew", &old).await;
        fresh = renewed.json()["session"].as_str().unwrap().to_owned();
        assert_eq!(sealed_with(&fresh), 2);
    }
    std::fs::remove_file(keys.join("master-1.key")).unwrap();
    school.reload().await;
    for client in &mut clients {
        assert_eq!(call(client, "GET", "/v1/session", &fresh).await.status, 200);
        let reply = call(client, "GET", "/v1/session", &old).await;
        refused(&reply, 401, "session-invalid", client.name());
    }
    // A node that has not read the newest key yet: the client tries again instead of signing in.
    let mut bytes = BASE64URL_NOPAD.decode(fresh.as_bytes()).unwrap();
    bytes[4] = 3;
    let reply = call(
        &mut clients[0],
        "GET",
        "/v1/session",
        &BASE64URL_NOPAD.encode(&bytes),
    )
    .await;
    refused(&reply, 503, "overloaded", "a newer key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issuers_new_keys_end_no_session_and_count_from_the_reload_on() {
    let school = School::start();
    let client = &mut school.clients().await[1];
    let session = school.sign_in(client, "lan", PHONE).await;
    let config = school.keys_file();
    let other = Forge::new(2);
    std::fs::write(&config, other.key_set()).unwrap();
    school.reload().await;
    assert_eq!(
        call(client, "GET", "/v1/session", &session).await.status,
        200
    );
    let reply = crate::school::log_in(client, &other.token("lan"), PHONE).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let reply = crate::school::log_in(client, &school.issuer.token("lan"), PHONE).await;
    refused(&reply, 401, "token-invalid", "a key that was withdrawn");
}
