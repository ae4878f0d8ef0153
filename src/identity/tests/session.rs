use super::DEVICE;
use crate::base::id::DeviceId;
use crate::base::id::LearnerId;
use crate::identity::Level;
use crate::identity::Session;
use crate::identity::SessionFault;
use crate::identity::SessionKeys;
use proptest::prelude::*;

const NOW_S: u32 = 1_800_000_000;

fn session() -> Session {
    Session {
        learner: LearnerId([5; 16]),
        device: DEVICE,
        level: Level::LOWEST,
        authenticated_s: NOW_S - 5,
        started_s: NOW_S,
        expires_s: NOW_S + 3600,
        epoch: 1,
    }
}

fn keys(ids: &[u8]) -> SessionKeys {
    SessionKeys::new(ids.iter().map(|id| (u32::from(*id), [*id; 32]))).unwrap()
}

#[test]
fn a_token_is_short_and_any_node_with_the_key_opens_it() {
    let token = keys(&[1]).seal(&session(), [3; 12]);
    assert_eq!(token.len(), 110);
    assert_eq!(keys(&[1]).open(&token, NOW_S), Ok(session()));
    assert!(
        !token.contains("BQUFBQ"),
        "the learner can be read: {token}"
    );
}

#[test]
fn rotating_a_key_ends_nobodys_session_until_it_is_retired() {
    let old = keys(&[1]).seal(&session(), [3; 12]);
    assert_eq!(keys(&[2, 1]).open(&old, NOW_S), Ok(session()));
    assert_eq!(
        keys(&[2]).open(&old, NOW_S),
        Err(SessionFault::UnknownKey(1))
    );
    let new = keys(&[2, 1]).seal(&session(), [3; 12]);
    assert_eq!(keys(&[2]).open(&new, NOW_S), Ok(session()));
    assert!(SessionKeys::new([]).is_none());
    // The node that has not read the new key yet does not call it forged.
    let node = keys(&[1]);
    assert_eq!(node.open(&new, NOW_S), Err(SessionFault::NewerKey(2)));
    assert!(node.replace([(2, [2; 32]), (1, [1; 32])]));
    assert_eq!(node.open(&new, NOW_S), Ok(session()));
    assert_eq!(node.open(&old, NOW_S), Ok(session()));
    assert!(!node.replace([]) && node.open(&new, NOW_S).is_ok());
}

#[test]
fn an_expired_session_is_told_from_a_forged_one() {
    let keys = keys(&[1]);
    let token = keys.seal(&session(), [3; 12]);
    assert!(keys.open(&token, NOW_S + 3599).is_ok());
    let expired = Err(SessionFault::Expired { since_s: 0 });
    assert_eq!(keys.open(&token, NOW_S + 3600), expired);
    let ahead = Err(SessionFault::Ahead { ahead_s: 61 });
    assert_eq!(keys.open(&token, NOW_S - 61), ahead);
    for bad in [
        "",
        "x",
        &token[1..],
        &format!("{token}A"),
        &token.replace('A', "="),
    ] {
        assert_eq!(keys.open(bad, NOW_S), Err(SessionFault::Malformed), "{bad}");
    }
}

#[test]
fn renewal_lengthens_and_never_shortens_and_ends() {
    let later = session().renewed(NOW_S + 3000, 3600, 7200).unwrap();
    assert_eq!(later.expires_s, NOW_S + 6600);
    assert_eq!((later.started_s, later.epoch), (NOW_S, 1));
    let last = later.renewed(NOW_S + 6000, 3600, 7200).unwrap();
    assert_eq!(last.expires_s, NOW_S + 7200);
    assert_eq!(
        last.renewed(NOW_S + 7000, 3600, 7200),
        Err(SessionFault::TooOld)
    );
    let same = session().renewed(NOW_S, 60, 7200).unwrap();
    assert_eq!(same, session());
}

proptest! {
    #[test]
    fn what_is_sealed_opens_unchanged_and_nothing_else_does(
        (learner, device) in any::<([u8; 16], [u8; 16])>(),
        (level, epoch) in (1_u8..=4, any::<u32>()),
        (nonce, at, bit) in any::<([u8; 12], prop::sample::Index, u8)>(),
    ) {
        let session = Session {
            learner: LearnerId(learner),
            device: DeviceId(device),
            level: Level::new(level).unwrap(),
            epoch,
            ..session()
        };
        let keys = keys(&[1, 2]);
        let token = keys.seal(&session, nonce);
        prop_assert_eq!(keys.open(&token, NOW_S), Ok(session));
        let mut bytes = data_encoding::BASE64URL_NOPAD.decode(token.as_bytes()).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << (bit % 8);
        let changed = data_encoding::BASE64URL_NOPAD.encode(&bytes);
        prop_assert!(keys.open(&changed, NOW_S).is_err());
    }

    #[test]
    fn no_text_panics_or_opens(text in "\\PC{0,120}", token in "AQAAAAE[A-Za-z0-9_-]{103}") {
        prop_assert!(keys(&[1]).open(&text, NOW_S).is_err());
        prop_assert!(keys(&[1]).open(&token, NOW_S).is_err());
    }
}
