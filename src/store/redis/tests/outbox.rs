use crate::base::id::LearnerId;
use crate::store::redis::Outbox;
use crate::store::redis::Waiting;

fn entry(id: u8, since_ms: u64, urgent: bool) -> Waiting {
    let learner = LearnerId([id; 16]);
    Waiting {
        learner,
        since_ms,
        urgent,
    }
}

fn ids(taken: &[Waiting]) -> Vec<u8> {
    taken.iter().map(|entry| entry.learner.0[0]).collect()
}

#[test]
fn changes_gather_and_a_sign_out_does_not_wait_for_them() {
    let mut outbox = Outbox::new(1000, 100);
    outbox.push(entry(1, 0, false));
    outbox.push(entry(2, 500, false));
    assert!(outbox.take(999, 10).is_empty());
    assert_eq!(outbox.due_in_ms(400), Some(600));
    outbox.push(entry(3, 900, true));
    assert_eq!(outbox.due_in_ms(900), Some(0));
    assert_eq!(ids(&outbox.take(1000, 10)), [3, 1]);
    outbox.done();
    assert_eq!(ids(&outbox.take(1500, 10)), [2]);
    outbox.done();
    assert!(outbox.is_empty());
    assert_eq!((outbox.due_in_ms(2000), outbox.oldest_ms()), (None, None));
}

#[test]
fn what_did_not_arrive_waits_again_before_all_others() {
    let mut outbox = Outbox::new(0, 100);
    for id in 1..=4 {
        outbox.push(entry(id, id.into(), false));
    }
    assert_eq!(ids(&outbox.take(10, 2)), [1, 2]);
    assert!(outbox.take(10, 2).is_empty(), "one batch at a time");
    assert_eq!((outbox.len(), outbox.oldest_ms()), (4, Some(1)));
    outbox.push(entry(9, 10, true));
    outbox.failed();
    assert_eq!(ids(&outbox.take(10, 10)), [9, 1, 2, 3, 4]);
}

#[test]
fn while_redis_is_away_for_days_the_outbox_does_not_grow_without_end() {
    let mut outbox = Outbox::new(1000, 3);
    for id in 0..100 {
        outbox.push(entry(id, 0, id % 2 == 0));
    }
    assert!(outbox.len() <= 3);
    assert!(outbox.is_behind(), "nobody would know what was given up");
    outbox.sweeping();
    assert!(!outbox.is_behind());
}
