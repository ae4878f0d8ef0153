//! JWK sets.
//!
//! Promises: no panic; a set that is read has a key, and every refusal says something.

use lamplight::identity::KeySet;

pub(crate) fn run(bytes: &[u8]) {
    match KeySet::parse(bytes) {
        Ok(set) => assert!(set.names().next().is_some()),
        Err(refused) => assert!(!refused.to_string().is_empty()),
    }
}
