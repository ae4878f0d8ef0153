//! The laws without which two nodes would tell two stories about one learner.

use super::devices;
use super::effects;
use super::encoded;
use super::histories;
use super::knowing;
use crate::session::Effect;
use crate::session::State;
use proptest::prelude::*;
use proptest::sample::Index;

fn joined(a: &State, b: &State) -> State {
    let mut both = a.clone();
    both.join(b);
    both
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn two_copies_become_one_whoever_asks_whom_and_how_often(
        a in histories(), b in histories(), c in histories(),
    ) {
        let (a, b, c) = (knowing(&a), knowing(&b), knowing(&c));
        prop_assert_eq!(&joined(&a, &a), &a);
        prop_assert_eq!(&joined(&a, &State::default()), &a);
        prop_assert_eq!(joined(&a, &b), joined(&b, &a));
        prop_assert_eq!(joined(&joined(&a, &b), &c), joined(&a, &joined(&b, &c)));
        prop_assert_eq!(joined(&joined(&a, &b), &b), joined(&a, &b));
    }

    #[test]
    fn forgotten_devices_are_forgotten_alike(
        facts in prop::collection::vec((devices(), 0..3_u8), 0..80),
    ) {
        let mut parts = [State::default(), State::default(), State::default()];
        let mut whole = State::default();
        for (fact, node) in facts {
            let effect = Effect { generation: 0, fact };
            parts[usize::from(node)].apply(&effect);
            whole.apply(&effect);
        }
        let [a, b, c] = parts;
        prop_assert_eq!(&joined(&joined(&a, &b), &c), &whole);
        prop_assert_eq!(joined(&joined(&c, &a), &b), whole);
    }

    #[test]
    fn any_order_any_duplication_any_split_tells_the_same_story(
        history in histories(),
        order in any::<[u64; 24]>(),
        twice in any::<Vec<Index>>(),
        nodes in any::<[u8; 24]>(),
    ) {
        let whole = knowing(&history);

        let mut shuffled: Vec<_> = history.iter().cloned().zip(order).collect();
        shuffled.sort_by_key(|(_, order)| *order);
        let mut shuffled: Vec<_> = shuffled.into_iter().map(|(effect, _)| effect).collect();
        if !history.is_empty() {
            shuffled.extend(twice.iter().map(|at| history[at.index(history.len())].clone()));
        }
        prop_assert_eq!(&knowing(&shuffled), &whole);

        let mut parts = [State::default(), State::default(), State::default()];
        for (effect, node) in history.iter().zip(nodes) {
            parts[usize::from(node % 3)].apply(effect);
        }
        let [a, b, c] = parts;
        prop_assert_eq!(joined(&c, &joined(&b, &a)), whole);
    }

    #[test]
    fn applying_a_fact_is_joining_a_state_that_knows_only_it(
        history in histories(), effect in effects(),
    ) {
        let known = knowing(&history);
        let mut applied = known.clone();
        applied.apply(&effect);
        prop_assert_eq!(&joined(&known, &knowing(&[effect])), &applied);
        // And nothing is ever unlearned within a generation.
        if applied.generation == known.generation {
            prop_assert_eq!(joined(&known, &applied), applied);
        }
    }

    #[test]
    fn a_learner_is_bounded_whatever_happens(history in prop::collection::vec(effects(), 0..200)) {
        let state = knowing(&history);
        prop_assert!(state.devices.len() <= 16 && state.signed_out.len() <= 16);
        for course in state.courses.values() {
            for record in course.lessons.values() {
                prop_assert!(record.totals().len() <= 4);
            }
        }
        prop_assert_eq!(State::decode(&encoded(&state)).unwrap(), state);
    }
}
