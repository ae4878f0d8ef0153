use crate::identity::KeySet;
use crate::identity::KeySetError;
use serde_json::Value;
use serde_json::json;

fn broker() -> Value {
    serde_json::from_slice(include_bytes!("../../../fuzz/corpus/jwks/broker.json")).unwrap()
}

fn parsed(keys: &[Value]) -> Result<KeySet, KeySetError> {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes())
}

/// Why the only key of a set is of no use, after one member was changed.
fn passed_over(at: usize, member: &str, value: Value) -> String {
    let mut key = broker()["keys"][at].clone();
    key[member] = value;
    match parsed(&[key]) {
        Err(KeySetError::Useless(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn encryption_keys_and_shared_secrets_of_a_broker_are_passed_over_and_told() {
    let set = KeySet::parse(broker().to_string().as_bytes()).unwrap();
    assert_eq!(
        set.names().collect::<Vec<_>>(),
        ["rsa", "p256", "p384", "ed"]
    );
    let [encrypts, shared] = set.passed_over() else {
        panic!("{:?}", set.passed_over());
    };
    assert!(
        encrypts.contains("encrypts") && encrypts.contains("use"),
        "{encrypts}"
    );
    assert!(
        shared.contains("shared") && shared.contains("secret"),
        "{shared}"
    );
}

#[test]
fn a_key_that_is_no_key_is_named_with_the_reason() {
    let cases = [
        (0, "n", json!("AQAB"), "2048"),
        (0, "n", json!(null), "missing"),
        (0, "d", json!("AQAB"), "secret"),
        (0, "alg", json!("RS512"), "alg"),
        (0, "key_ops", json!(["sign"]), "verify"),
        (0, "use", json!(1), "use"),
        (1, "x", json!("AAAA"), "length"),
        (1, "y", broker()["keys"][1]["x"].clone(), "point"),
        (1, "crv", json!("secp256k1"), "curve"),
        (1, "alg", json!("ES384"), "alg"),
        (3, "x", json!("=="), "base64url"),
        (3, "crv", json!("X25519"), "curve"),
        (3, "kid", json!(""), "kid"),
        (3, "kid", json!("k".repeat(256)), "kid"),
        (3, "kty", json!("AKP"), "type"),
    ];
    for (at, member, value, word) in cases {
        let why = passed_over(at, member, value);
        assert!(why.contains(word), "{member}: {why}");
    }
}

#[test]
fn a_set_is_bounded_and_each_name_means_one_key() {
    let key = broker()["keys"][3].clone();
    let twice = parsed(&[key.clone(), key.clone()]);
    assert!(matches!(twice, Err(KeySetError::Ambiguous(_))));
    let many = vec![key; 65];
    assert!(matches!(
        parsed(&many),
        Err(KeySetError::TooMany { keys: 65, .. })
    ));
    let large = vec![b' '; 256 * 1024 + 1];
    assert!(matches!(
        KeySet::parse(&large),
        Err(KeySetError::TooLarge { .. })
    ));
    for bad in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#] {
        let read = KeySet::parse(bad.as_bytes());
        assert!(matches!(read, Err(KeySetError::Malformed(_))), "{bad}");
    }
    assert!(matches!(parsed(&[]), Err(KeySetError::Useless(_))));
    assert!(matches!(parsed(&[json!(1)]), Err(KeySetError::Useless(_))));
}
