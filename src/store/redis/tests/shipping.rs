//! Shipping against a model of the script, one exchange at a time.

use crate::base::id::CourseId;
use crate::base::id::DeviceId;
use crate::base::id::LearnerId;
use crate::session::DecodeError;
use crate::session::State;
use crate::store::redis::Known;
use crate::store::redis::Left;
use crate::store::redis::Reply;
use crate::store::redis::Shipment;
use crate::store::redis::Shipped;
use crate::store::redis::Stored;
use crate::store::redis::Unreadable;
use crate::store::redis::Version;
use crate::store::redis::Write;
use crate::store::redis::key;
use crate::store::redis::read;
use crate::store::redis::value;
use proptest::prelude::*;
use std::collections::BTreeMap;

const LEARNER: LearnerId = LearnerId([7; 16]);

/// What the script does.
#[derive(Default)]
struct Model(BTreeMap<LearnerId, Vec<u8>>);

impl Model {
    fn write(&mut self, write: Write<'_>) -> Reply {
        let Some(seen) = self.0.get(&write.learner).filter(|seen| !seen.is_empty()) else {
            self.0.insert(write.learner, write.value.to_vec());
            return Reply::Stored(Stored::Fresh);
        };
        let first = &seen[..seen.len().min(8)];
        if first == &write.value[..8] {
            return Reply::Stored(Stored::Same);
        }
        if first != write.expected {
            return Reply::Found(seen.clone());
        }
        self.0.insert(write.learner, write.value.to_vec());
        Reply::Stored(Stored::Replaced)
    }

    fn ship(&mut self, state: &State, known: &mut Known) -> Shipped {
        let mut shipment = Shipment::new(vec![(LEARNER, state.clone())], known);
        while !shipment.is_done() {
            let replies: Vec<_> = shipment.writes().map(|write| self.write(write)).collect();
            shipment.answered(replies);
        }
        shipment.finish(known).remove(0)
    }

    fn state(&self) -> State {
        read(LEARNER, &self.0[&LEARNER]).unwrap()
    }
}

fn enrolled(courses: &[u64]) -> State {
    let mut state = State::default();
    for course in courses {
        state.enrol(CourseId(*course), 5).unwrap();
    }
    state
}

fn joined(a: &State, b: &State) -> State {
    let mut both = a.clone();
    both.join(b);
    both
}

#[test]
fn what_another_node_stored_is_joined_and_never_replaced() {
    let (mut redis, mut ours, mut theirs) = (Model::default(), Known::new(8), Known::new(8));
    assert_eq!(
        redis.ship(&enrolled(&[1]), &mut ours).outcome,
        Ok(Stored::Fresh)
    );
    let shipped = redis.ship(&enrolled(&[2]), &mut theirs);
    assert_eq!(shipped.outcome, Ok(Stored::Replaced));
    assert_eq!(shipped.joined, Some(enrolled(&[1, 2])));
    // The first node's guess is old now.
    let shipped = redis.ship(&enrolled(&[1, 3]), &mut ours);
    assert_eq!(shipped.joined, Some(enrolled(&[1, 2, 3])));
    assert_eq!(redis.state(), enrolled(&[1, 2, 3]));
}

#[test]
fn news_that_the_caller_never_joined_survive_its_next_shipment() {
    let (mut redis, mut known) = (Model::default(), Known::new(8));
    redis.ship(&enrolled(&[1]), &mut Known::new(8));
    // The caller stops listening here: what was joined is lost to it.
    drop(redis.ship(&enrolled(&[2]), &mut known));
    let shipped = redis.ship(&enrolled(&[2, 3]), &mut known);
    assert_eq!(redis.state(), enrolled(&[1, 2, 3]));
    assert_eq!(shipped.joined, Some(enrolled(&[1, 2, 3])));
}

#[test]
fn a_redis_that_was_emptied_and_filled_by_others_is_not_mistaken_for_the_old_one() {
    let (mut redis, mut known) = (Model::default(), Known::new(8));
    redis.ship(&enrolled(&[1]), &mut known);
    redis.0.clear();
    redis.ship(&enrolled(&[2]), &mut Known::new(8));
    redis.ship(&enrolled(&[1, 3]), &mut known);
    assert_eq!(redis.state(), enrolled(&[1, 2, 3]));
    redis.0.clear();
    redis.ship(&enrolled(&[1, 2, 3]), &mut known);
    let shipped = redis.ship(&enrolled(&[1, 2, 3]), &mut known);
    assert_eq!(shipped.outcome, Ok(Stored::Same));
    redis.0.clear();
    let shipped = redis.ship(&enrolled(&[1, 2, 3, 4]), &mut known);
    assert_eq!(shipped.outcome, Ok(Stored::Forgotten));
}

#[test]
fn who_knows_less_than_redis_writes_nothing_and_learns() {
    let (mut redis, mut known) = (Model::default(), Known::new(8));
    redis.ship(&enrolled(&[1, 2]), &mut Known::new(8));
    let shipped = redis.ship(&enrolled(&[1]), &mut known);
    assert_eq!(shipped.outcome, Ok(Stored::Same));
    assert_eq!(shipped.joined, Some(enrolled(&[1, 2])));
}

#[test]
fn an_erased_learner_is_not_brought_back_by_a_node_that_has_not_heard() {
    let (mut redis, mut known) = (Model::default(), Known::new(8));
    let mut erased = enrolled(&[1]);
    redis.ship(&erased, &mut known);
    erased.erase();
    redis.ship(&erased, &mut known);
    let shipped = redis.ship(&enrolled(&[1, 2]), &mut Known::new(8));
    assert_eq!(shipped.joined, Some(erased.clone()));
    assert_eq!(redis.state(), erased);
}

#[test]
fn damage_is_mended_and_what_a_newer_version_wrote_stays() {
    let mut redis = Model::default();
    for damaged in [&b"x"[..], b"1234567", b"12345678", b"nobody wrote this"] {
        redis.0.insert(LEARNER, damaged.to_vec());
        let shipped = redis.ship(&enrolled(&[1]), &mut Known::new(8));
        assert_eq!(shipped.outcome, Ok(Stored::Mended), "{damaged:?}");
        assert_eq!(redis.state(), enrolled(&[1]));
    }
    // A value that belongs to somebody else is damage too.
    let (_, foreign) = value(LearnerId([8; 16]), &enrolled(&[9]));
    assert_eq!(read(LEARNER, &foreign), Err(Unreadable::Damaged));

    let encoded = [200, 1, 2, 3];
    let newer = [&Version::of(LEARNER, &encoded).bytes()[..], &encoded].concat();
    let format = DecodeError::Format(200);
    assert_eq!(read(LEARNER, &newer), Err(Unreadable::Newer(format)));
    redis.0.insert(LEARNER, newer.clone());
    let shipped = redis.ship(&enrolled(&[1]), &mut Known::new(8));
    assert_eq!(shipped.outcome, Err(Left::Newer));
    assert_eq!(redis.0[&LEARNER], newer);
}

#[test]
fn who_meets_another_write_in_every_round_gives_way_and_stays_in_the_outbox() {
    let mut shipment = Shipment::new(vec![(LEARNER, enrolled(&[1]))], &Known::new(8));
    let mut rounds = 0;
    while !shipment.is_done() {
        rounds += 1;
        assert!(rounds < 100, "it never ends");
        let (_, found) = value(LEARNER, &enrolled(&[rounds + 1]));
        shipment.answered([Reply::Found(found)]);
    }
    let shipped = shipment.finish(&mut Known::new(8)).remove(0);
    assert_eq!(shipped.outcome, Err(Left::Contended));
    assert!(shipped.joined.is_some(), "what was met is worth knowing");
}

#[test]
fn one_that_is_refused_holds_up_nobody_else() {
    let batch = vec![
        (LEARNER, enrolled(&[1])),
        (LearnerId([8; 16]), enrolled(&[2])),
    ];
    let mut known = Known::new(8);
    let mut shipment = Shipment::new(batch, &known);
    let refused = Reply::Refused("WRONGTYPE".to_owned());
    shipment.answered([refused, Reply::Stored(Stored::Fresh)]);
    let outcomes: Vec<_> = shipment
        .finish(&mut known)
        .into_iter()
        .map(|one| one.outcome)
        .collect();
    let left = Left::Refused("WRONGTYPE".to_owned());
    assert_eq!(outcomes, [Err(left), Ok(Stored::Fresh)]);
}

#[test]
fn a_key_has_its_learner_as_hash_tag_and_never_changes() {
    assert_eq!(
        key("lamplight", LEARNER),
        "lamplight:{BwcHBwcHBwcHBwcHBwcHBw}:state"
    );
    let (version, bytes) = value(LEARNER, &State::default());
    assert_eq!(bytes[..8], version.bytes());
    assert_eq!(format!("{version:?}"), "c8e372703e6b0707");
}

proptest! {
    #[test]
    fn whatever_stands_in_redis_ends_in_a_state_or_a_reason(
        found: Vec<u8>, flips in prop::collection::vec((0..400_usize, any::<u8>()), 0..3),
    ) {
        let (_, mut bent) = value(LEARNER, &enrolled(&[1, 2, 3]));
        for (at, flip) in flips {
            let at = at % bent.len();
            bent[at] ^= flip;
        }
        for found in [found, bent] {
            let is_whole = read(LEARNER, &found).is_ok();
            let mut redis = Model::default();
            redis.0.insert(LEARNER, found);
            let shipped = redis.ship(&enrolled(&[9]), &mut Known::new(8));
            prop_assert!(shipped.outcome.is_ok());
            prop_assert!(redis.state().courses.get(CourseId(9)).is_some());
            prop_assert_eq!(shipped.joined.is_some(), is_whole);
        }
    }

    #[test]
    fn what_is_known_is_what_was_last_said_or_nothing(
        said in prop::collection::vec((0..40_u8, any::<Option<u64>>()), 1..200),
    ) {
        let mut known = Known::new(16);
        let mut truth = BTreeMap::new();
        for (id, content) in said {
            let learner = LearnerId([id.wrapping_mul(31); 16]);
            let version = content.map(|content| Version::of(learner, &content.to_le_bytes()));
            known.set(learner, version);
            truth.insert(learner, version);
            prop_assert_eq!(known.get(learner), version);
        }
        for (learner, version) in truth {
            let found = known.get(learner);
            prop_assert!(found.is_none() || found == version);
        }
    }

    #[test]
    fn whatever_nodes_ship_in_whatever_order_redis_has_it_all(
        steps in prop::collection::vec((0..3_u8, 0..12_u32, any::<bool>()), 1..40),
    ) {
        let mut redis = Model::default();
        let mut nodes: Vec<_> = (0..3).map(|_| (State::default(), Known::new(8))).collect();
        let mut all = State::default();
        for (node, course, listens) in steps {
            let (state, known) = &mut nodes[usize::from(node)];
            state.enrol(CourseId(course.into()), 5).unwrap();
            state.sign_out(DeviceId([node; 16]), course);
            all = joined(&all, state);
            let shipped = redis.ship(state, known);
            if listens && let Some(news) = shipped.joined {
                state.join(&news);
            }
            prop_assert_eq!(redis.state(), all.clone());
        }
    }
}
