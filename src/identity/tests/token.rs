//! Every way in which a token is wrong, and the few in which it is right.

use super::DEVICE;
use super::LEARNERS;
use super::NOW_S;
use super::checked;
use super::dev;
use super::issuer;
use super::rules;
use crate::identity::Algorithm;
use crate::identity::Issuer;
use crate::identity::KeySet;
use crate::identity::Level;
use crate::identity::Part;
use crate::identity::Rules;
use crate::identity::Session;
use crate::identity::TokenError;
use crate::identity::learner_id;
use crate::identity::verify;
use data_encoding::BASE64URL_NOPAD;
use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

const HEADER: &str = r#"{"alg":"EdDSA","typ":"JWT","kid":"dev"}"#;

fn claims() -> Value {
    json!({
        "iss": "https://dev.lamplight.invalid", "aud": "lamplight", "sub": "hoa",
        "iat": NOW_S, "exp": NOW_S + 600, "acr": "2",
    })
}

/// The refusal of a token, well signed, with this header.
fn refused_header(header: &str) -> TokenError {
    checked(&dev().sign(header, &claims().to_string())).unwrap_err()
}

/// The refusal of a token, well signed, whose claim `name` is `value`, or missing.
fn refused(name: &str, value: impl Into<Option<Value>>) -> TokenError {
    let mut claims = claims();
    let members = claims.as_object_mut().unwrap();
    match value.into() {
        Some(value) => members.insert(name.to_owned(), value),
        None => members.remove(name),
    };
    checked(&dev().sign(HEADER, &claims.to_string())).unwrap_err()
}

fn wrong_claim(error: &TokenError) -> &str {
    let TokenError::Claim { claim, .. } = error else {
        panic!("{error:?}");
    };
    claim
}

#[test]
fn tokens_of_another_implementation_are_believed_in_all_five_algorithms() {
    let keys = KeySet::parse(include_bytes!("../../../fuzz/corpus/jwks/broker.json")).unwrap();
    let mut rules = Rules::new("https://id.example/realms/hoc-tap", "lamplight");
    rules.algorithms = Algorithm::ALL.to_vec();
    rules.levels = [("3".to_owned(), Level::new(3).unwrap())].into();
    rules.locality_claim = Some("address_locality".to_owned());
    rules.unit_claim = Some("unit".to_owned());
    let issuers = [issuer(), Issuer::new(rules, keys).unwrap()];
    let find = |name: &str| issuers.iter().find(|issuer| issuer.rules().issuer == name);
    for token in [
        include_str!("../../../fuzz/corpus/jwt/rs256"),
        include_str!("../../../fuzz/corpus/jwt/ps256"),
        include_str!("../../../fuzz/corpus/jwt/es256"),
        include_str!("../../../fuzz/corpus/jwt/es384"),
        include_str!("../../../fuzz/corpus/jwt/eddsa"),
    ] {
        let claims = verify(token, find, &LEARNERS, NOW_S + 1).unwrap();
        assert_eq!(claims.level, Level::new(3).unwrap());
        assert_eq!(claims.locality.as_deref(), Some("Phường Bến Nghé"));
        assert_eq!(claims.unit.as_deref(), Some("THPT Lê Quý Đôn"));
        assert_eq!(claims.authenticated_s, Some(NOW_S - 10));
        let (issuer, subject) = ("https://id.example/realms/hoc-tap", "079090000001");
        assert_eq!(claims.learner, learner_id(&LEARNERS, issuer, subject));
        // One bit of any part is enough to lose belief.
        let forged = token.replace(".ey", ".eyJub25lIjowLC");
        assert!(verify(&forged, find, &LEARNERS, NOW_S + 1).is_err());
    }
}

#[test]
fn a_development_token_opens_a_session_of_its_level() {
    let token = dev().token("hoa", Level::new(2).unwrap(), NOW_S);
    let claims = checked(&token).unwrap();
    let session = Session::start(&claims, DEVICE, 4, 1_800_000_000, 3600);
    assert_eq!(
        session.learner,
        learner_id(&LEARNERS, &rules().issuer, "hoa")
    );
    assert_eq!((session.level.number(), session.epoch), (2, 4));
    assert_eq!(session.authenticated_s, 1_800_000_000);
}

#[test]
fn a_token_without_a_signature_or_with_a_shared_secret_is_nobody() {
    for algorithm in [
        "none", "None", "HS256", "HS512", "ES256K", "RS384", "RSA1_5", "eddsa", "",
    ] {
        let header = json!({"alg": algorithm, "kid": "dev"}).to_string();
        let refused = refused_header(&header);
        assert_eq!(refused, TokenError::UnknownAlgorithm(algorithm.to_owned()));
    }
    let stripped = dev().sign(HEADER, &claims().to_string());
    let stripped = format!("{}.", stripped.rsplit_once('.').unwrap().0);
    assert_eq!(checked(&stripped), Err(TokenError::Signature));
}

#[test]
fn the_key_and_the_issuer_choose_the_algorithm_not_the_token() {
    let confused = refused_header(r#"{"alg":"ES256","kid":"dev"}"#);
    assert!(
        matches!(confused, TokenError::KeyMismatch { .. }),
        "{confused:?}"
    );
    let confused = refused_header(r#"{"alg":"PS256","kid":"dev"}"#);
    assert_eq!(confused, TokenError::ForeignAlgorithm(Algorithm::PS256));
}

#[test]
fn a_key_that_the_token_brings_along_is_not_looked_at() {
    let stranger = crate::identity::DevIssuer::new(&[2; 32]).unwrap();
    let own: Value = serde_json::from_str(&stranger.key_set()).unwrap();
    let header = json!({
        "alg": "EdDSA", "kid": "dev", "jwk": own["keys"][0], "jku": "https://evil.example/keys",
        "x5u": "https://evil.example/chain", "x5c": ["AAAA"],
    });
    let token = stranger.sign(&header.to_string(), &claims().to_string());
    assert_eq!(checked(&token), Err(TokenError::Signature));
    // And an honest token is not harmed by them.
    let token = dev().sign(&header.to_string(), &claims().to_string());
    assert!(checked(&token).is_ok());
}

#[test]
fn an_unknown_key_asks_for_a_fresh_set_and_a_missing_name_does_not() {
    let unknown = refused_header(r#"{"alg":"EdDSA","kid":"rotated"}"#);
    assert_eq!(unknown, TokenError::UnknownKey("rotated".to_owned()));
    let long = json!({"alg": "EdDSA", "kid": "k".repeat(256)}).to_string();
    for header in [r#"{"alg":"EdDSA"}"#, r#"{"alg":"EdDSA","kid":""}"#, &long] {
        let refused = refused_header(header);
        assert!(
            matches!(refused, TokenError::Header { member: "kid", .. }),
            "{refused:?}"
        );
    }
}

#[test]
fn extensions_that_must_be_understood_are_refused() {
    for crit in [r#"["exp"]"#, r#"["b64"]"#, "[]", "null"] {
        let header = format!(r#"{{"alg":"EdDSA","kid":"dev","crit":{crit}}}"#);
        assert_eq!(refused_header(&header), TokenError::Critical);
    }
}

#[test]
fn a_logout_token_or_a_token_in_a_token_is_no_sign_in() {
    for header in [
        r#"{"alg":"EdDSA","kid":"dev","typ":"logout+jwt"}"#,
        r#"{"alg":"EdDSA","kid":"dev","typ":"application/secevent+jwt"}"#,
        r#"{"alg":"EdDSA","kid":"dev","cty":"JWT"}"#,
    ] {
        assert!(
            matches!(refused_header(header), TokenError::Type(_)),
            "{header}"
        );
    }
    for header in [
        r#"{"alg":"EdDSA","kid":"dev","typ":"application/AT+JWT"}"#,
        r#"{"alg":"EdDSA","kid":"dev"}"#,
    ] {
        assert!(
            checked(&dev().sign(header, &claims().to_string())).is_ok(),
            "{header}"
        );
    }
}

#[test]
fn a_member_twice_is_refused_at_every_depth() {
    let twice = r#"{"alg":"EdDSA","alg":"none","kid":"dev"}"#;
    let part = Part::Header;
    assert_eq!(refused_header(twice), TokenError::Duplicate { part });
    for twice in [
        r#""sub":"admin""#,
        r#""s\u0075b":"admin""#,
        r#""x":{"a":1,"a":2}"#,
    ] {
        let claims = claims()
            .to_string()
            .replacen('{', &format!("{{{twice},"), 1);
        let part = Part::Claims;
        let refused = checked(&dev().sign(HEADER, &claims));
        assert_eq!(refused, Err(TokenError::Duplicate { part }), "{twice}");
    }
}

#[test]
fn what_is_no_token_is_refused_before_any_cryptography() {
    let good = dev().sign(HEADER, &claims().to_string());
    let parts: Vec<&str> = good.split('.').collect();
    for (token, parts) in [("", 1), ("x", 1), ("a.b", 2), ("a.b.c.d", 4), ("......", 7)] {
        assert_eq!(checked(token), Err(TokenError::Parts(parts)));
    }
    assert_eq!(checked("a.b.c.d.e"), Err(TokenError::Encrypted));
    for (part, broken) in [
        (
            Part::Header,
            format!("{}=.{}.{}", parts[0], parts[1], parts[2]),
        ),
        (
            Part::Claims,
            format!("{}.{}\n.{}", parts[0], parts[1], parts[2]),
        ),
        (
            Part::Signature,
            format!("{}.{}.+{}", parts[0], parts[1], parts[2]),
        ),
    ] {
        assert_eq!(checked(&broken), Err(TokenError::Base64(part)));
    }
    let text = |text: &[u8]| BASE64URL_NOPAD.encode(text);
    for (part, broken) in [
        (
            Part::Header,
            format!("{}.{}.{}", text(b"[]"), parts[1], parts[2]),
        ),
        (
            Part::Claims,
            format!("{}.{}.{}", parts[0], text(b"{\"a\":\"\xc3\"}"), parts[2]),
        ),
        (
            Part::Claims,
            format!("{}.{}.{}", parts[0], text(b"{} "), parts[2]).replace("IA", ""),
        ),
    ] {
        let refused = checked(&broken).unwrap_err();
        let json = matches!(&refused, TokenError::Json { part: at, .. } if *at == part);
        assert!(
            json || matches!(refused, TokenError::Claim { .. }),
            "{refused:?}"
        );
    }
    let huge = format!("{good}{}", "A".repeat(8 * 1024));
    assert!(matches!(checked(&huge), Err(TokenError::TooLarge { .. })));
}

#[test]
fn a_forged_token_is_refused_and_no_oracle_for_its_claims() {
    let stranger = crate::identity::DevIssuer::new(&[2; 32]).unwrap();
    let expired = json!({"iss": rules().issuer, "aud": "lamplight", "exp": 1, "sub": "x"});
    let forged = stranger.sign(HEADER, &expired.to_string());
    assert_eq!(checked(&forged), Err(TokenError::Signature));
}

#[test]
fn another_issuer_or_audience_is_not_ours() {
    let near = refused("iss", json!("https://dev.lamplight.invalid/"));
    assert!(matches!(near, TokenError::UnknownIssuer(_)));
    assert_eq!(wrong_claim(&refused("iss", None)), "iss");
    assert_eq!(
        wrong_claim(&refused("iss", json!(["https://dev.lamplight.invalid"]))),
        "iss"
    );
    assert_eq!(
        refused("aud", json!("lamplight-admin")),
        TokenError::Audience
    );
    assert_eq!(
        refused("aud", json!(["account", "LAMPLIGHT"])),
        TokenError::Audience
    );
    assert_eq!(refused("aud", json!([])), TokenError::Audience);
    for aud in [
        None,
        Some(json!({"lamplight": 1})),
        Some(json!(["lamplight", 1])),
    ] {
        assert_eq!(wrong_claim(&refused("aud", aud)), "aud");
    }
    let many: Vec<&str> = std::iter::repeat_n("lamplight", 33).collect();
    assert_eq!(wrong_claim(&refused("aud", json!(many))), "aud");
}

#[test]
fn times_hold_within_a_minute_and_not_beyond() {
    let good = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        checked(&dev().sign(HEADER, &claims.to_string())).is_ok()
    };
    assert!(good("exp", json!(NOW_S - 59)));
    assert_eq!(
        refused("exp", json!(NOW_S - 60)),
        TokenError::Expired { since_s: 60 }
    );
    assert!(good("iat", json!(NOW_S + 60)) && good("nbf", json!(NOW_S + 60)));
    for claim in ["iat", "nbf"] {
        let ahead = TokenError::Ahead { claim, ahead_s: 61 };
        assert_eq!(refused(claim, json!(NOW_S + 61)), ahead);
    }
    assert!(good("exp", json!(NOW_S as f64 + 0.5)));
    for bad in [
        json!("1900000000"),
        json!(-1),
        json!(1e300),
        json!(null),
        json!([1]),
    ] {
        assert_eq!(wrong_claim(&refused("exp", bad.clone())), "exp");
        assert_eq!(wrong_claim(&refused("auth_time", bad)), "auth_time");
    }
    assert_eq!(wrong_claim(&refused("exp", None)), "exp");
    assert_eq!(wrong_claim(&refused("iat", None)), "iat");
}

#[test]
fn a_subject_is_a_short_text_and_an_unlisted_level_the_lowest() {
    for bad in [
        None,
        Some(json!("")),
        Some(json!(7)),
        Some(json!("x".repeat(256))),
    ] {
        assert_eq!(wrong_claim(&refused("sub", bad)), "sub");
    }
    for acr in [json!("9"), json!("phr")] {
        let mut claims = claims();
        claims["acr"] = acr;
        let claims = checked(&dev().sign(HEADER, &claims.to_string())).unwrap();
        assert_eq!(claims.level, Level::LOWEST);
    }
    assert_eq!(wrong_claim(&refused("acr", json!(2))), "acr");
}

#[test]
fn two_people_never_share_a_learner_and_issuer_and_subject_do_not_run_together() {
    let id = |issuer, subject| learner_id(&LEARNERS, issuer, subject);
    assert_ne!(id("https://a", "b"), id("https://", "ab"));
    assert_ne!(id("https://a", "b"), learner_id(&[8; 32], "https://a", "b"));
    assert_eq!(id("https://a", "b"), id("https://a", "b"));
}

#[test]
fn rules_that_let_everybody_in_are_refused() {
    let keys = || KeySet::parse(dev().key_set().as_bytes()).unwrap();
    let changed = |change: fn(&mut Rules)| {
        let mut rules = rules();
        change(&mut rules);
        Issuer::new(rules, keys()).unwrap_err().to_string()
    };
    assert!(changed(|rules| rules.audiences.clear()).contains("audiences"));
    assert!(changed(|rules| rules.audiences = vec![String::new()]).contains("audiences"));
    assert!(changed(|rules| rules.issuer.clear()).contains("issuer"));
    assert!(changed(|rules| rules.algorithms.clear()).contains("algorithms"));
    assert!(changed(|rules| rules.types.clear()).contains("types"));
    assert!(serde_json::from_str::<Algorithm>("\"HS256\"").is_err());
}

proptest! {
    #[test]
    fn no_text_panics_or_is_believed(text in "\\PC{0,200}", dots in "[A-Za-z0-9_.-]{0,400}") {
        prop_assert!(checked(&text).is_err());
        prop_assert!(checked(&dots).is_err());
    }

    #[test]
    fn one_changed_character_is_one_too_many(at: prop::sample::Index, to in "[A-Za-z0-9_-]") {
        let good = dev().sign(HEADER, &claims().to_string());
        let at = at.index(good.len());
        let mut bad = good.clone();
        bad.replace_range(at..=at, &to);
        prop_assert!(bad == good || checked(&bad).is_err());
    }
}

#[test]
fn a_token_is_never_judged_by_another_issuers_rules() {
    let token = dev().token("hoa", Level::LOWEST, NOW_S);
    let keys = KeySet::parse(dev().key_set().as_bytes()).unwrap();
    let other = Issuer::new(Rules::new("https://other.example", "lamplight"), keys).unwrap();
    let judged = verify(&token, |_name| Some(&other), &LEARNERS, NOW_S);
    assert!(matches!(judged, Err(TokenError::UnknownIssuer(_))));
}

#[test]
fn each_of_several_audiences_is_us_and_the_leeway_is_the_issuers() {
    let keys = KeySet::parse(dev().key_set().as_bytes()).unwrap();
    let mut rules = rules();
    rules.audiences = vec!["hoc".to_owned(), "lamplight".to_owned()];
    rules.leeway_s = 5;
    let issuer = Issuer::new(rules.clone(), keys.clone()).unwrap();
    let token = dev().token("hoa", Level::LOWEST, NOW_S);
    let at = |now_s: i64| verify(&token, |_name| Some(&issuer), &LEARNERS, now_s);
    assert!(at(NOW_S + crate::identity::DevIssuer::LIFETIME_S + 4).is_ok());
    assert!(at(NOW_S + crate::identity::DevIssuer::LIFETIME_S + 5).is_err());
    assert!(at(NOW_S - 5).is_ok() && at(NOW_S - 6).is_err());
    rules.leeway_s = Rules::LEEWAY_S_MAX + 1;
    assert!(Issuer::new(rules, keys).is_err());
}

#[test]
fn every_reason_is_one_of_the_list_and_stands_there_once() {
    let text = String::new;
    let part = Part::Header;
    let algorithm = Algorithm::ES256;
    let all = [
        TokenError::TooLarge { bytes: 1, max: 0 },
        TokenError::Parts(1),
        TokenError::Encrypted,
        TokenError::Base64(part),
        TokenError::Json { part, what: text() },
        TokenError::Duplicate { part },
        TokenError::Header {
            member: "",
            what: "",
        },
        TokenError::UnknownAlgorithm(text()),
        TokenError::ForeignAlgorithm(algorithm),
        TokenError::Critical,
        TokenError::Type(text()),
        TokenError::UnknownIssuer(text()),
        TokenError::UnknownKey(text()),
        TokenError::KeyMismatch {
            kid: text(),
            algorithm,
        },
        TokenError::Signature,
        TokenError::Claim {
            claim: text(),
            what: "",
        },
        TokenError::Audience,
        TokenError::Expired { since_s: 0 },
        TokenError::Ahead {
            claim: "",
            ahead_s: 0,
        },
    ];
    assert_eq!(all.map(|error| error.reason()), TokenError::REASONS);
}
