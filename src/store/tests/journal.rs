//! The journal with its thread, over the simulated disk.

use super::append;
use super::recovered;
use super::recovered_from;
use super::simulated::Failing;
use super::simulated::Fault;
use super::simulated::Simulated;
use crate::base::metrics::Source as _;
use crate::base::units::Size;
use crate::runtime::Worker;
use crate::runtime::block_on;
use crate::store::AppendError;
use crate::store::Config;
use crate::store::Health;
use crate::store::Journal;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::time::Duration;

/// Segments small enough to be copied in memory.
fn config() -> Config {
    Config {
        segment: Size::mib(4),
        ..Config::default()
    }
}

fn started(disk: &Simulated, config: &Config) -> (Journal, Worker<()>) {
    let (recovered, _) = recovered(disk).unwrap();
    Journal::start(Arc::new(disk.clone()), recovered.writer, config).unwrap()
}

fn is_pending<T>(future: impl Future<Output = T>) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    matches!(pin!(future).poll(&mut context), Poll::Pending)
}

fn count(journal: &Journal, name: &str) -> i64 {
    let mut samples = Vec::new();
    journal.sample(&mut samples);
    samples
        .iter()
        .filter(|sample| sample.name == name)
        .map(|sample| sample.value)
        .sum()
}

/// Opens the journal on a disk whose file syncs are held from now on; the next segment is made.
fn held() -> (Simulated, Journal, Worker<()>) {
    let disk = Simulated::new(Fault::None);
    let (journal, worker) = started(&disk, &config());
    // The first segment, and the second that is made ahead.
    disk.wait_for_syncs(2);
    disk.change(|state| state.hold_sync = true);
    (disk, journal, worker)
}

fn end(journal: Journal, worker: Worker<()>) {
    drop(journal);
    worker.join().unwrap();
}

#[test]
fn nobody_is_told_before_the_disk_has_it() {
    let (disk, journal, worker) = held();
    let mut told = Box::pin(journal.append(append(7, 0)));
    disk.wait_for_syncs(3);
    assert!(
        is_pending(told.as_mut()),
        "acknowledged while the sync was under way"
    );
    disk.change(|state| state.hold_sync = false);
    let durable = block_on(told).unwrap();
    assert_eq!(durable.commit().number, 1);
    end(journal, worker);
    assert_eq!(recovered(&disk).unwrap().1, [7]);
}

#[test]
fn a_flood_shares_one_sync() {
    let (disk, journal, worker) = held();
    let first = journal.append(append(0, 0));
    disk.wait_for_syncs(3);
    let flood: Vec<_> = (1..=1000).map(|id| journal.append(append(id, 0))).collect();
    disk.change(|state| state.hold_sync = false);
    block_on(async {
        assert_eq!(first.await.unwrap().commit().number, 1);
        for told in flood {
            assert_eq!(told.await.unwrap().commit().number, 2);
        }
    });
    assert_eq!(count(&journal, "lamplight_journal_commits"), 2);
    assert_eq!(count(&journal, "lamplight_journal_appends"), 1001);
    end(journal, worker);
    assert_eq!(recovered(&disk).unwrap().1, (0..=1000).collect::<Vec<_>>());
}

#[test]
fn beyond_the_queue_the_newcomer_is_refused_at_once_and_counted() {
    let disk = Simulated::new(Fault::None);
    let config = Config {
        queue: 2,
        ..config()
    };
    let (journal, worker) = started(&disk, &config);
    disk.wait_for_syncs(2);
    disk.change(|state| state.hold_sync = true);
    let first = journal.append(append(0, 0));
    disk.wait_for_syncs(3);
    let waiting = [journal.append(append(1, 0)), journal.append(append(2, 0))];
    let refused = block_on(journal.append(append(3, 0)));
    assert_eq!(refused.unwrap_err(), AppendError::Busy);
    assert_eq!(count(&journal, "lamplight_journal_refused"), 1);
    disk.change(|state| state.hold_sync = false);
    block_on(async {
        assert!(first.await.is_ok());
        for told in waiting {
            assert!(told.await.is_ok());
        }
    });
    end(journal, worker);
}

#[test]
fn after_a_failed_sync_nothing_is_ever_acknowledged_again() {
    let (disk, journal, worker) = held();
    let first = journal.append(append(0, 0));
    disk.wait_for_syncs(3);
    let waiting = journal.append(append(1, 0));
    disk.change(|state| (state.failing, state.hold_sync) = (Some(Failing::FileSync), false));
    block_on(async {
        assert_eq!(first.await.unwrap_err(), AppendError::Failed);
        assert_eq!(waiting.await.unwrap_err(), AppendError::Failed);
        assert_eq!(
            journal.append(append(2, 0)).await.unwrap_err(),
            AppendError::Failed
        );
    });
    let Health::Failed(why) = journal.health() else {
        panic!("{:?}", journal.health());
    };
    assert!(why.contains("sync segment 1: the disk failed"), "{why}");
    end(journal, worker);
}

/// Waits until the journal is well.
async fn heals(journal: &Journal) {
    let limit = crate::runtime::now() + Duration::from_secs(60);
    while journal.health() != Health::Well {
        assert!(crate::runtime::now() < limit, "{:?}", journal.health());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[test]
fn a_full_disk_refuses_and_heals_when_there_is_room_again() {
    let disk = Simulated::new(Fault::None);
    let (journal, worker) = started(&disk, &config());
    disk.wait_for_syncs(2);
    disk.change(|state| state.room = Some(0));
    block_on(async {
        // The first segment of the test is small, the second was made ahead, the third has no room.
        let mut refused = None;
        for id in 0..2000 {
            if let Err(error) = journal.append(append(id, 5000)).await {
                refused = Some(error);
                break;
            }
        }
        assert_eq!(refused, Some(AppendError::NoSpace));
        assert_eq!(journal.health(), Health::NoSpace);
        assert_eq!(
            journal.append(append(8000, 5000)).await.unwrap_err(),
            AppendError::NoSpace
        );
        disk.change(|state| state.room = None);
        // By itself: a node that is not ready is asked for nothing.
        heals(&journal).await;
        journal.append(append(9000, 5000)).await.unwrap();
    });
    end(journal, worker);
    let (_, ids) = recovered(&disk).unwrap();
    assert_eq!(ids.last(), Some(&9000));
}

#[test]
fn what_waits_when_the_process_stops_is_written() {
    let (disk, journal, worker) = held();
    let told: Vec<_> = (0..100).map(|id| journal.append(append(id, 0))).collect();
    drop(journal);
    disk.change(|state| state.hold_sync = false);
    worker.join().unwrap();
    assert_eq!(recovered(&disk).unwrap().1.len(), 100);
    block_on(async {
        for told in told {
            assert!(told.await.is_ok());
        }
    });
}

#[test]
fn a_mark_is_never_above_the_commit_of_what_comes_after_it() {
    let (disk, journal, worker) = held();
    assert_eq!(journal.mark(), 1);
    let first = journal.append(append(0, 0));
    disk.wait_for_syncs(3);
    // Commit 1 is on its way: what comes now is in commit 2, but nobody can know.
    let mark = journal.mark();
    let second = journal.append(append(1, 0));
    disk.change(|state| state.hold_sync = false);
    block_on(async {
        assert_eq!(first.await.unwrap().commit().number, 1);
        assert!(mark <= second.await.unwrap().commit().number);
        for id in 2..20 {
            let mark = journal.mark();
            let durable = journal.append(append(id, 0)).await.unwrap();
            assert_eq!(durable.commit().number, mark);
            assert_eq!(journal.mark(), mark + 1);
        }
    });
    end(journal, worker);
    // Also after a start anew.
    let (journal, worker) = started(&disk, &config());
    assert_eq!(journal.mark(), 21);
    end(journal, worker);
}

#[test]
fn a_flush_waits_for_all_that_was_appended_before_it() {
    let (disk, journal, worker) = held();
    let before = journal.append(append(0, 0));
    disk.wait_for_syncs(3);
    let also = journal.append(append(1, 0));
    let flushing = journal.clone();
    let mut flush = Box::pin(async move { flushing.flush().await });
    assert!(
        is_pending(flush.as_mut()),
        "flushed while nothing is synced"
    );
    disk.change(|state| state.hold_sync = false);
    block_on(async {
        flush.await.unwrap();
        assert_eq!(disk.state().syncs_entered, 4);
        assert!(before.await.is_ok() && also.await.is_ok());
    });
    disk.change(|state| state.failing = Some(Failing::FileSync));
    block_on(async {
        assert_eq!(journal.flush().await, Err(AppendError::Failed));
        assert_eq!(journal.flush().await, Err(AppendError::Failed));
    });
    end(journal, worker);
}

#[test]
fn what_is_saved_elsewhere_is_dropped_and_the_newest_commit_stays() {
    let disk = Simulated::new(Fault::None);
    let (journal, worker) = started(&disk, &config());
    block_on(async {
        let mut last = 0;
        while count(&journal, "lamplight_journal_kept") < 4 {
            let durable = journal.append(append(last, 60_000)).await.unwrap();
            last = durable.commit().number;
        }
        assert_eq!(journal.forget(1).await.unwrap(), 0);
        assert_eq!(journal.forget(u64::MAX).await.unwrap(), 3);
        assert_eq!(count(&journal, "lamplight_journal_kept"), 1);
        assert_eq!(count(&journal, "lamplight_journal_dropped"), 3);
        assert_eq!(
            journal
                .append(append(last + 1, 0))
                .await
                .unwrap()
                .commit()
                .number,
            last + 1
        );
    });
    let mark = journal.mark();
    end(journal, worker);
    // Numbers go on where they were, and whoever needs more is told.
    let (recovered, _) = recovered_from(&disk, mark).unwrap();
    assert_eq!(recovered.writer.next(), mark);
    assert!(recovered_from(&disk, 1).is_err());
}

#[test]
fn a_disk_that_becomes_read_only_ends_acknowledgements_and_says_so() {
    let disk = Simulated::new(Fault::None);
    let (journal, worker) = started(&disk, &config());
    disk.wait_for_syncs(2);
    block_on(async { journal.append(append(0, 0)).await.unwrap() });
    disk.change(|state| state.read_only = true);
    block_on(async {
        for id in 1..3 {
            let refused = journal.append(append(id, 0)).await;
            assert_eq!(refused.unwrap_err(), AppendError::Failed);
        }
    });
    let Health::Failed(why) = journal.health() else {
        panic!("{:?}", journal.health());
    };
    assert!(why.contains("write segment 1: read-only"), "{why}");
    end(journal, worker);
    // A start on it is refused by name, a look at it is not.
    let error = recovered(&disk).unwrap_err();
    assert!(error.to_string().starts_with("journal: cannot"), "{error}");
    let mut ids = 0;
    let mut count = |_: crate::base::id::LearnerId, _: &[u8]| {
        ids += 1;
        Ok(())
    };
    crate::store::scan(&disk, &mut count, &mut |_| {}).unwrap();
    disk.change(|state| state.read_only = false);
    assert_eq!(recovered(&disk).unwrap().1, [0]);
    assert_eq!(ids, 1);
}
