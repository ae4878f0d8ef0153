//! What a learner may rely on when a command was acknowledged, and when it was not.

use super::House;
use super::NOW_S;
use super::enrol;
use super::enrol_safely;
use super::learner;
use crate::base::id::DeviceId;
use crate::runtime;
use crate::runtime::block_on;
use crate::session::State;
use crate::shards::Judged;
use crate::shards::ShardError;
use crate::shards::Shards;
use crate::store::AppendError;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Waker;

const DEVICE: DeviceId = DeviceId([3; 16]);

fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    Pin::new(future).poll(&mut context).is_pending()
}

#[test]
fn what_was_acknowledged_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    block_on(async {
        let house = House::open(dir.path(), None);
        for n in 0..200 {
            assert!(enrol_safely(&house, n).await.unwrap());
        }
        house.close();
        let house = House::open(dir.path(), None);
        assert_eq!(house.shards.len(), 200);
        for n in 0..200 {
            assert!(house.enrolled(n).await);
            assert!(!enrol_safely(&house, n).await.unwrap(), "enrolled twice");
        }
        assert!(!house.enrolled(200).await, "nobody else is");
    });
}

#[test]
fn a_repeated_request_is_not_acknowledged_before_the_first_is_safe() {
    let dir = tempfile::tempdir().unwrap();
    block_on(async {
        let house = House::open(dir.path(), None);
        enrol_safely(&house, 0).await.unwrap();
        house.disk.change(|disk| disk.shut = true);
        let mut first = house.enrol(1).wait().await.unwrap();
        let mut second = house.enrol(1).wait().await.unwrap();
        assert!(first.outcome && !second.outcome);
        assert!(is_pending(&mut first.durable));
        assert!(
            is_pending(&mut second.durable),
            "told before the disk has it"
        );
        house.disk.change(|disk| disk.shut = false);
        assert!(first.durable.await.unwrap().is_some());
        assert!(second.durable.await.unwrap().is_some());
        let third = house.enrol(1).wait().await.unwrap();
        assert!(
            third.durable.is_settled(),
            "now there is nothing to wait for"
        );
        house.close();
        let house = House::open(dir.path(), None);
        assert!(house.enrolled(1).await);
    });
}

#[test]
fn what_the_disk_refused_is_taken_back_and_reads_go_on() {
    let dir = tempfile::tempdir().unwrap();
    block_on(async {
        let house = House::open(dir.path(), None);
        enrol_safely(&house, 0).await.unwrap();
        house.disk.change(|disk| disk.broken = true);
        let failed = enrol_safely(&house, 1).await.unwrap_err();
        assert_eq!(failed, ShardError::Append(AppendError::Failed));
        assert!(house.enrolled(0).await, "reads are served");
        assert!(!house.enrolled(1).await, "nobody sees what was refused");
        let refused = enrol_safely(&house, 1).await.unwrap_err();
        assert_eq!(refused, ShardError::Append(AppendError::Failed));
        assert!(!house.enrolled(1).await);
    });
}

#[test]
fn two_commands_that_the_disk_refuses_are_not_acknowledged_by_a_third() {
    let dir = tempfile::tempdir().unwrap();
    block_on(async {
        let house = House::open(dir.path(), None);
        enrol_safely(&house, 0).await.unwrap();
        house.disk.change(|disk| disk.shut = true);
        let first = house.enrol(1).wait().await.unwrap();
        let sign_out = |state: &mut State| {
            let effect = state.sign_out(DEVICE, NOW_S);
            Judged::changed((), vec![effect])
        };
        let second = house.shards.act(learner(1), sign_out).wait().await.unwrap();
        let third = house.enrol(1).wait().await.unwrap();
        assert!(!third.outcome);
        house
            .disk
            .change(|disk| (disk.shut, disk.broken) = (false, true));
        assert!(first.durable.await.is_err());
        assert!(second.durable.await.is_err());
        assert!(third.durable.await.is_err(), "its enrolment is nowhere");
    });
}

#[test]
fn what_nobody_waits_for_is_written_and_waited_for_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    block_on(async {
        let house = House::open(dir.path(), None);
        enrol_safely(&house, 0).await.unwrap();
        house.disk.change(|disk| disk.shut = true);
        drop(house.enrol(1).wait().await.unwrap());
        let mut again = house.enrol(1).wait().await.unwrap();
        assert!(!again.outcome);
        assert!(is_pending(&mut again.durable), "the first may not be safe");
        house.disk.change(|disk| disk.shut = false);
        assert!(again.durable.await.unwrap().is_some());
        assert_eq!(house.shards.metrics.again.value(), 1);
        // From here on it is known to be safe.
        assert!(house.enrol(1).wait().await.unwrap().durable.is_settled());
        drop(house.enrol(2).wait().await.unwrap());
        house.close();
        let house = House::open(dir.path(), None);
        assert!(house.enrolled(1).await && house.enrolled(2).await);
    });
}

#[test]
fn a_refusal_or_a_look_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    block_on(async {
        let house = House::open(dir.path(), None);
        let judged = house.shards.act(learner(1), |state| {
            // Whatever a command did to the state before it refused is forgotten.
            drop(state.enrol(super::COURSE, NOW_S));
            Judged::unchanged("refused")
        });
        let acted = judged.wait().await.unwrap();
        assert!(acted.durable.is_settled());
        assert!(!house.enrolled(1).await);
    });
}

#[test]
fn a_receipt_is_made_for_what_was_safe_already() {
    let dir = tempfile::tempdir().unwrap();
    block_on(async {
        let house = House::open(dir.path(), None);
        let leaf = Some([5; 32]);
        let acted = house.shards.act(learner(1), move |_state| Judged {
            outcome: (),
            effects: Vec::new(),
            leaf,
        });
        let durable = acted.wait().await.unwrap().durable.await.unwrap();
        assert!(durable.is_some(), "a commit to sign");
        house.close();
        House::open(dir.path(), None).close();
    });
}

async fn sign_out_of(shards: Arc<Shards>, worker: u8, n: u8) {
    let device = DeviceId([worker, n, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    let who = learner(u64::from(n % 8));
    drop(enrol(&shards, who).wait().await.unwrap());
    let judge = move |state: &mut State| {
        let effect = state.sign_out(device, NOW_S + u32::from(n));
        Judged::changed((), vec![effect])
    };
    let acted = shards.act(who, judge).wait().await.unwrap();
    acted.durable.await.unwrap();
}

#[test]
fn commands_of_all_workers_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path(), None);
    let shards = Arc::clone(&house.shards);
    let mut workers = Vec::new();
    for worker in 0..4_u8 {
        let shards = Arc::clone(&shards);
        let work = move || async move {
            for n in 0..100_u8 {
                let shards = Arc::clone(&shards);
                // A task each, so that many wait at once.
                runtime::spawn("command", sign_out_of(shards, worker, n));
            }
            runtime::drained(0).await;
        };
        workers.push(runtime::Worker::start(format!("w{worker}"), work).unwrap());
    }
    workers
        .into_iter()
        .for_each(|worker| worker.join().unwrap());
    drop(shards);
    let read = |house: &House| {
        block_on(async {
            let mut states = Vec::new();
            for n in 0..8 {
                let state = house.shards.read(learner(n), Clone::clone).wait().await;
                states.push(state.unwrap());
            }
            states
        })
    };
    let before = read(&house);
    assert!(before.iter().all(|state| state.signed_out.len() == 16));
    house.close();
    let house = House::open(dir.path(), None);
    assert_eq!(
        read(&house),
        before,
        "the journal tells what the memory knew"
    );
    house.close();
}
