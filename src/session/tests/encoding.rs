use super::COURSE;
use super::NOW_S;
use super::effects;
use super::encoded;
use super::histories;
use super::knowing;
use crate::base::wire::put;
use crate::base::wire::put_bytes;
use crate::session::DecodeError;
use crate::session::Effect;
use crate::session::State;
use proptest::collection::vec;
use proptest::prelude::*;

fn with_section(bytes: &[u8], tag: u64, content: &[u8]) -> Vec<u8> {
    let mut longer = bytes.to_vec();
    put(&mut longer, tag);
    put_bytes(&mut longer, content);
    longer
}

#[test]
fn an_older_node_hands_on_what_it_does_not_understand() {
    let mut old = State::default();
    old.enrol(COURSE, NOW_S).unwrap();
    let newer = with_section(
        &with_section(&encoded(&old), 77, b"badges"),
        90,
        b"certificates",
    );
    let mut met = State::decode(&newer).unwrap();
    assert_eq!(encoded(&met), newer);
    // It goes on working, and joins with a copy of another new node.
    let effect = met.sign_out_everywhere();
    let other = State::decode(&with_section(&encoded(&old), 77, b"more badges")).unwrap();
    met.join(&other);
    met.apply(&effect);
    let bytes = encoded(&met);
    for kept in [&b"badges"[..], b"more badges", b"certificates"] {
        assert!(bytes.windows(kept.len()).any(|window| window == kept));
    }
    assert_eq!(State::decode(&bytes).unwrap(), met);
}

#[test]
fn unknown_sections_are_bounded_and_the_same_ones_stay_everywhere() {
    let states: Vec<State> = (0..20_u8)
        .map(|n| State::decode(&with_section(&[1], 77, &[n])).unwrap())
        .collect();
    let join = |all: &mut dyn Iterator<Item = &State>| {
        all.fold(State::default(), |mut sum, one| {
            sum.join(one);
            sum
        })
    };
    let forth = join(&mut states.iter());
    assert_eq!(forth, join(&mut states.iter().rev()));
    assert_eq!(forth.unknown.len(), 8);
}

#[test]
fn a_state_of_another_format_or_beyond_any_size_is_refused() {
    assert_eq!(State::decode(&[2]), Err(DecodeError::Format(2)));
    assert_eq!(State::decode(&[]), Err(DecodeError::Damaged(0)));
    let large = vec![1; 1024 * 1024 + 1];
    assert!(matches!(
        State::decode(&large),
        Err(DecodeError::TooLarge { .. })
    ));
    assert_eq!(Effect::decode(&[9, 0, 0]), Err(DecodeError::Format(9)));
    let twice = with_section(&with_section(&[1], 1, &[0, 0, 0]), 1, &[0, 0, 0]);
    assert_eq!(State::decode(&twice), Err(DecodeError::Damaged(1)));
    let unsorted = with_section(&with_section(&[1], 77, b""), 1, &[0, 0, 0]);
    assert_eq!(State::decode(&unsorted), Err(DecodeError::Damaged(1)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_state_reads_back_unchanged_and_has_one_spelling(history in histories()) {
        let state = knowing(&history);
        let bytes = encoded(&state);
        let read = State::decode(&bytes).unwrap();
        prop_assert_eq!(&read, &state);
        prop_assert_eq!(encoded(&read), bytes);
    }

    #[test]
    fn an_effect_reads_back_unchanged(effect in effects()) {
        let mut bytes = Vec::new();
        effect.encode(&mut bytes);
        prop_assert_eq!(Effect::decode(&bytes), Ok(effect));
        bytes.push(0);
        prop_assert!(Effect::decode(&bytes).is_err());
    }

    #[test]
    fn damaged_bytes_never_panic_and_settle(
        history in histories(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
        effect in effects(),
    ) {
        let mut bytes = encoded(&knowing(&history));
        for (at, to) in &changes {
            let at = at.index(bytes.len());
            bytes[at] = *to;
        }
        for bytes in [&bytes[..], &bytes[..cut.index(bytes.len())]] {
            if let Ok(state) = State::decode(bytes) {
                prop_assert_eq!(State::decode(&encoded(&state)).unwrap(), state);
            }
        }
        let mut bytes = Vec::new();
        effect.encode(&mut bytes);
        for (at, to) in changes {
            let at = at.index(bytes.len());
            bytes[at] = to;
        }
        if let Ok(effect) = Effect::decode(&bytes) {
            let mut state = knowing(&history);
            state.apply(&effect);
            state.apply(&effect);
        }
    }
}

proptest! {
    #[test]
    fn a_copy_as_a_fact_tells_what_the_copy_knows(mine in histories(), theirs in histories()) {
        let (mut mine, theirs) = (knowing(&mine), knowing(&theirs));
        let mut bytes = Vec::new();
        Effect::encode_known(&encoded(&theirs), &mut bytes);
        let effect = Effect::decode(&bytes).unwrap();
        let mut again = Vec::new();
        effect.encode(&mut again);
        prop_assert_eq!(&again, &bytes);
        let mut joined = mine.clone();
        joined.join(&theirs);
        mine.apply(&effect);
        prop_assert_eq!(mine, joined);
    }
}
