//! JWTs and our own sessions' tokens, against a broker's real key set.
//!
//! Promises: no panic; what is believed is signed by one of the set's keys, so it is one of the
//! kept tokens to the last bit; no text opens a session.

use lamplight::identity::Algorithm;
use lamplight::identity::Issuer;
use lamplight::identity::KeySet;
use lamplight::identity::Rules;
use lamplight::identity::SessionKeys;
use lamplight::identity::verify;
use std::sync::LazyLock;

const NOW_S: i64 = 1_800_000_001;
static ISSUERS: LazyLock<Vec<Issuer>> = LazyLock::new(|| {
    let set = include_bytes!("../corpus/jwks/broker.json");
    let mut rules = Rules::new("https://id.example/realms/hoc-tap", "lamplight");
    rules.algorithms = Algorithm::ALL.to_vec();
    let issuer = KeySet::parse(set).map(|keys| Issuer::new(rules, keys));
    issuer.into_iter().flatten().collect()
});
const KEPT: [&str; 5] = [
    include_str!("../corpus/jwt/rs256"),
    include_str!("../corpus/jwt/ps256"),
    include_str!("../corpus/jwt/es256"),
    include_str!("../corpus/jwt/es384"),
    include_str!("../corpus/jwt/eddsa"),
];

pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    assert_eq!(ISSUERS.len(), 1);
    let find = |name: &str| ISSUERS.iter().find(|issuer| issuer.rules().issuer == name);
    match verify(text, find, &[0; 32], NOW_S) {
        // An ECDSA signature (r, n − s) is good as well: compare what is signed, not how.
        Ok(_) => {
            let signed = |token: &str| token.rsplit_once('.').map(|(signed, _)| signed.to_owned());
            assert!(KEPT.iter().any(|kept| signed(kept) == signed(text)));
        }
        Err(refused) => assert!(!refused.to_string().is_empty() && !refused.reason().is_empty()),
    }
    if let Some(keys) = SessionKeys::new([(1, [1; 32])]) {
        assert!(keys.open(text, 1_800_000_001).is_err());
    }
}
