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
use serde_json::Value;
use serde_json::json;

/// What is wrong, the token, its problem, a word of the detail.
type Bad = (&'static str, String, &'static str, &'static str);

/// Well signed, with claims that are not good.
fn bad_claims(issuer: &Forge) -> Vec<Bad> {
    let now_s = lamplight::runtime::unix_ms() / 1000;
    let signed = |member: &str, value: Value| {
        let changed = claims("lan", |claims| claims[member] = value);
        issuer.sign(HEADER, &changed)
    };
    let twice = claims("lan", |_| {}).replacen('{', r#"{"sub":"hoa","#, 1);
    let (expired, invalid) = ("token-expired", "token-invalid");
    let foreign = json!("https://evil.test");
    let large = json!("x".repeat(9000));
    vec![
        (
            "expired",
            signed("exp", json!(now_s - 61)),
            expired,
            "s ago",
        ),
        (
            "foreign",
            signed("iss", foreign),
            invalid,
            "not one of ours",
        ),
        (
            "another's",
            signed("aud", json!("bank")),
            invalid,
            "audience",
        ),
        ("early", signed("nbf", json!(now_s + 600)), invalid, "ahead"),
        ("nameless", signed("sub", json!(7)), invalid, "sub"),
        ("doubled", issuer.sign(HEADER, &twice), invalid, "twice"),
        ("oversized", signed("x", large), invalid, "at most 8192"),
    ]
}

/// Good claims, signed by nobody, by somebody else, or otherwise than the issuer may.
fn bad_signatures(issuer: &Forge) -> Vec<Bad> {
    let headed = |header: &str| issuer.sign(header, &claims("lan", |_| {}));
    let good = issuer.token("lan");
    let (unsigned, _) = good.rsplit_once('.').unwrap();
    let (_, payload) = unsigned.split_once('.').unwrap();
    let none = BASE64URL_NOPAD.encode(br#"{"alg":"none"}"#);
    let none = format!("{none}.{payload}.");
    let changed = format!("{unsigned}.{}", "A".repeat(86));
    let logout = headed(r#"{"alg":"EdDSA","kid":"k","typ":"logout+jwt"}"#);
    let shared = headed(r#"{"alg":"HS256","kid":"k"}"#);
    let confused = headed(r#"{"alg":"ES256","kid":"k"}"#);
    let unknown = headed(r#"{"alg":"EdDSA","kid":"z"}"#);
    let invalid = "token-invalid";
    vec![
        ("forged", Forge::new(2).token("lan"), invalid, "signature"),
        ("changed", changed, invalid, "signature"),
        ("unsigned", none, invalid, "never accepted"),
        ("shared secret", shared, invalid, "never accepted"),
        ("confused", confused, invalid, "does not sign with"),
        ("of another kind", logout, invalid, "not a sign-in"),
        ("unknown key", unknown, invalid, "no key named"),
        ("nonsense", "nonsense".to_owned(), invalid, "three parts"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_not_believed_is_told_why_and_begins_nothing() {
    let school = School::start();
    for client in &mut school.clients().await {
        let bad = [bad_claims(&school.issuer), bad_signatures(&school.issuer)].concat();
        for (what, token, slug, word) in bad {
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
