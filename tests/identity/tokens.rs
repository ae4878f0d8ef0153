//! Tokens of issuers that are not believed, each told why, and none of them begins anything.

use crate::forge::Forge;
use crate::forge::HEADER;
use crate::forge::claims;
use crate::school::JSON;
use crate::school::PHONE;
use crate::school::School;
use crate::school::log_in;
use crate::school::refused;
use data_encoding::BASE64URL_NOPAD;
use lamplight::issuers::Mode;
use serde_json::json;

/// What is wrong, the token, its problem, a word of the detail.
fn bad_tokens(issuer: &Forge) -> Vec<(&'static str, String, &'static str, &'static str)> {
    let now_s = lamplight::runtime::unix_ms() / 1000;
    let signed = |claims: String| issuer.sign(HEADER, &claims);
    let good = issuer.token("lan");
    let (unsigned, _) = good.rsplit_once('.').unwrap();
    let none = BASE64URL_NOPAD.encode(br#"{"alg":"none"}"#);
    let (_, rest) = unsigned.split_once('.').unwrap();
    let twice = claims("lan", |_| {}).replacen('{', r#"{"sub":"hoa","#, 1);
    vec![
        (
            "expired",
            signed(claims("lan", |c| c["exp"] = json!(now_s - 61))),
            "token-expired",
            "s ago",
        ),
        (
            "forged",
            Forge::new(2).token("lan"),
            "token-invalid",
            "signature",
        ),
        (
            "changed",
            format!("{unsigned}.{}", "A".repeat(86)),
            "token-invalid",
            "signature",
        ),
        (
            "foreign",
            signed(claims("lan", |c| c["iss"] = json!("https://evil.test"))),
            "token-invalid",
            "not one of ours",
        ),
        (
            "for others",
            signed(claims("lan", |c| c["aud"] = json!("bank"))),
            "token-invalid",
            "another audience",
        ),
        (
            "from the future",
            signed(claims("lan", |c| c["nbf"] = json!(now_s + 600))),
            "token-invalid",
            "ahead",
        ),
        (
            "without a name",
            signed(claims("lan", |c| c["sub"] = json!(7))),
            "token-invalid",
            "sub",
        ),
        (
            "unsigned",
            format!("{none}.{rest}."),
            "token-invalid",
            "never accepted",
        ),
        (
            "shared secret",
            issuer.sign(r#"{"alg":"HS256","kid":"k"}"#, &claims("lan", |_| {})),
            "token-invalid",
            "never accepted",
        ),
        (
            "confused",
            issuer.sign(r#"{"alg":"ES256","kid":"k"}"#, &claims("lan", |_| {})),
            "token-invalid",
            "does not sign with",
        ),
        (
            "of another kind",
            issuer.sign(
                r#"{"alg":"EdDSA","kid":"k","typ":"logout+jwt"}"#,
                &claims("lan", |_| {}),
            ),
            "token-invalid",
            "not a sign-in",
        ),
        (
            "unknown key",
            issuer.sign(r#"{"alg":"EdDSA","kid":"z"}"#, &claims("lan", |_| {})),
            "token-invalid",
            "no key named",
        ),
        ("doubled member", signed(twice), "token-invalid", "twice"),
        (
            "oversized",
            signed(claims("lan", |c| c["x"] = json!("x".repeat(9000)))),
            "token-invalid",
            "at most 8192",
        ),
        (
            "nonsense",
            "nonsense".to_owned(),
            "token-invalid",
            "three parts",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_not_believed_is_told_why_and_begins_nothing() {
    let school = School::start();
    for client in &mut school.clients().await {
        for (what, token, slug, word) in bad_tokens(&school.issuer) {
            let whom = format!("{}, {what}", client.name());
            let reply = log_in(client, &token, PHONE).await;
            refused(&reply, 401, slug, &whom);
            let detail = reply.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains(word), "{whom}: {detail}");
            let challenge = reply.field("www-authenticate").unwrap();
            assert!(
                challenge.contains("error=\"invalid_token\""),
                "{whom}: {challenge}"
            );
        }
        let reply = client.send("POST", "/v1/sessions", &[JSON], b"{}").await;
        refused(&reply, 401, "token-missing", client.name());
        let challenge = reply.field("www-authenticate");
        assert_eq!(
            challenge,
            Some("Bearer realm=\"lamplight\""),
            "{}",
            client.name()
        );
        // And whoever is honest comes in beside them.
        school.sign_in(client, "lan", PHONE).await;
    }
    let begun = school
        .metric("lamplight_sessions_total{event=\"begun\"}")
        .await;
    assert_eq!(begun, 3);
    let forged = school
        .metric("lamplight_tokens_total{verdict=\"signature\"}")
        .await;
    assert_eq!(forged, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_that_names_no_device_begins_nothing() {
    let school = School::start();
    let bearer = format!("Bearer {}", school.issuer.token("lan"));
    let fields = [("authorization", bearer.as_str()), JSON];
    for client in &mut school.clients().await {
        for (content, word) in [
            ("{}", "`device`"),
            (r#"{"device":7}"#, "`device`"),
            (
                r#"{"device":"00000000-0000-0000-0000-000000000000"}"#,
                "`device`",
            ),
            (
                r#"{"device":"0f8fad5b-d9cb-469f-a165-70867728950e","cookie":1}"#,
                "`cookie`",
            ),
            (r#"{"device":"a","device":"b"}"#, "twice"),
            ("[]", "JSON"),
            ("", "JSON"),
        ] {
            let sent = content.as_bytes();
            let reply = client.send("POST", "/v1/sessions", &fields, sent).await;
            refused(&reply, 400, "bad-content", client.name());
            assert!(reply.text().contains(word), "{content}: {}", reply.text());
        }
        let reply = client
            .send("POST", "/v1/sessions", &fields[..1], b"{}")
            .await;
        refused(&reply, 415, "unsupported-media-type", client.name());
    }
    let begun = school
        .metric("lamplight_sessions_total{event=\"begun\"}")
        .await;
    assert_eq!(begun, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_makes_a_token_for_himself_outside_development() {
    let body = br#"{"learner":"lan","level":2}"#;
    let school = School::start();
    let off = School::with(|config| config.identity.mode = Mode::Off);
    for school in [&school, &off] {
        for client in &mut school.clients().await {
            let reply = client.send("POST", "/v1/dev/token", &[JSON], body).await;
            assert_eq!(reply.status, 404, "{}", reply.text());
        }
    }
    for client in &mut off.clients().await {
        let reply = log_in(client, &off.issuer.token("lan"), PHONE).await;
        assert_eq!(reply.status, 404, "{}", reply.text());
    }
    let dev = School::with(|config| {
        config.identity.mode = Mode::Dev;
        config.identity.issuers.clear();
    });
    for client in &mut dev.clients().await {
        let reply = client.send("POST", "/v1/dev/token", &[JSON], body).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let token = reply.json()["token"].as_str().unwrap().to_owned();
        let begun = log_in(client, &token, PHONE).await;
        assert_eq!((begun.status, &begun.json()["level"]), (201, &json!(2)));
        for wrong in [
            &br#"{"learner":""}"#[..],
            br#"{"level":1}"#,
            br#"{"learner":"a","level":5}"#,
        ] {
            let reply = client.send("POST", "/v1/dev/token", &[JSON], wrong).await;
            refused(&reply, 400, "bad-content", client.name());
        }
    }
}
