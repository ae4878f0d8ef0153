use super::append;
use super::commit;
use super::recovered;
use super::recovered_from;
use super::simulated::Failing;
use super::simulated::Fault;
use super::simulated::Simulated;
use crate::store::Directory;
use crate::store::Disk as _;
use crate::store::RecoverError;
use crate::store::recover;
use crate::store::survey;
use std::path::Path;

/// A journal of these many commits of one record each.
fn written(commits: u64, filler: usize) -> Simulated {
    let disk = Simulated::new(Fault::None);
    let (mut recovered, _) = recovered(&disk).unwrap();
    for id in 0..commits {
        commit(&disk, &mut recovered.writer, &[append(id, filler)]).unwrap();
    }
    disk
}

const FIRST: &str = "journal-000000000001.log";

#[test]
fn everything_is_read_back_in_order_over_many_segments_and_numbers_go_on() {
    let disk = written(50, 5000);
    assert!(disk.list().unwrap().len() > 5);
    let (mut first, ids) = recovered(&disk).unwrap();
    assert_eq!(ids, (0..50).collect::<Vec<_>>());
    assert_eq!((first.commits, first.records, &first.torn), (50, 50, &None));
    let number = commit(&disk, &mut first.writer, &[append(50, 0), append(51, 0)]).unwrap();
    assert_eq!(number, 51);
    let (again, ids) = recovered(&disk).unwrap();
    assert_eq!((again.commits, ids.len()), (51, 52));
}

#[test]
fn a_torn_end_is_cut_off_told_once_and_harms_nothing_after_it() {
    let disk = written(3, 0);
    disk.flip(FIRST, 4096 * 3 + 50);
    let (mut first, ids) = recovered(&disk).unwrap();
    assert_eq!(ids, [0, 1]);
    let torn = first.torn.unwrap();
    assert_eq!((torn.file.as_str(), torn.offset), (FIRST, 4096 * 3));
    commit(&disk, &mut first.writer, &[append(9, 0)]).unwrap();
    let (again, ids) = recovered(&disk).unwrap();
    assert_eq!((ids, again.torn), (vec![0, 1, 9], None));
}

#[test]
fn a_damaged_middle_is_refused_with_the_remedy_and_left_as_it_is() {
    for (offset, at) in [(4096 + 50, 4096), (4096 * 2, 4096 * 2), (4096 + 12, 4096)] {
        let disk = written(3, 0);
        disk.flip(FIRST, offset);
        for _ in 0..2 {
            let error = recovered(&disk).unwrap_err();
            assert!(
                matches!(error, RecoverError::Damaged { offset, .. } if offset == at),
                "{error}"
            );
            assert!(error.to_string().contains("Restore the file"), "{error}");
        }
    }
    // Also when what follows lies in the next file.
    let disk = written(20, 5000);
    disk.flip(FIRST, 4096 + 100);
    assert!(matches!(
        recovered(&disk),
        Err(RecoverError::Damaged { offset: 4096, .. })
    ));
    // And a damaged head hides a whole segment.
    let disk = written(20, 5000);
    disk.flip(FIRST, 9);
    assert!(matches!(
        recovered(&disk),
        Err(RecoverError::Damaged { offset: 0, .. })
    ));
}

#[test]
fn a_missing_file_is_noticed() {
    let disk = written(50, 5000);
    disk.remove("journal-000000000003.log").unwrap();
    let error = recovered(&disk).unwrap_err();
    assert!(matches!(error, RecoverError::Gap { .. }), "{error}");
    assert!(error.to_string().contains("missing"), "{error}");
}

#[test]
fn files_that_are_missing_before_what_the_snapshots_hold_are_noticed() {
    let disk = written(50, 5000);
    let kept = recovered(&disk).unwrap().0.writer.segments().all();
    let second = kept[1].first;
    disk.remove(FIRST).unwrap();
    // Nobody needs it: the snapshots hold what was there.
    assert_eq!(
        recovered_from(&disk, second).unwrap().1.len(),
        51 - usize::try_from(second).unwrap()
    );
    // One commit more and it is needed.
    for (needed, told) in [
        (second - 1, "it holds commits"),
        (52, "commits"),
        (1, "commits"),
    ] {
        let error = recovered_from(&disk, needed).unwrap_err();
        assert!(
            matches!(error, RecoverError::Missing { .. }),
            "{needed}: {error}"
        );
        assert!(error.to_string().contains(told), "{error}");
    }
    // Without any file the numbers would begin anew below the snapshots' mark.
    let error = recovered_from(&Simulated::new(Fault::None), 7).unwrap_err();
    assert!(error.to_string().contains("it holds none"), "{error}");
}

#[test]
fn of_removals_that_cannot_be_synced_the_next_try_goes_on_there() {
    let disk = written(50, 5000);
    let (recovered, _) = recovered(&disk).unwrap();
    let segments = recovered.writer.segments();
    let kept = segments.count();
    assert!(kept > 4);
    disk.state().failing = Some(Failing::DirectorySync);
    let error = segments.forget(&disk, u64::MAX).unwrap_err();
    assert!(error.to_string().contains(FIRST), "{error}");
    // It may be there again after a power cut, so the next one was not touched.
    assert_eq!(
        (segments.count(), disk.list().unwrap().len()),
        (kept, kept - 1)
    );
    let dropped = segments.forget(&disk, u64::MAX).unwrap();
    assert_eq!((dropped, segments.count()), (kept as u64 - 1, 1));
    assert_eq!(segments.all()[0].segment, recovered.writer.segment());
}

#[test]
fn a_survey_reads_on_behind_every_damage_and_changes_nothing() {
    let disk = written(50, 5000);
    let all = disk.list().unwrap();
    disk.flip(FIRST, 4096 + 100);
    disk.flip("journal-000000000002.log", 3);
    disk.remove("journal-000000000003.log").unwrap();
    for _ in 0..2 {
        let (mut ids, mut told) = (Vec::new(), Vec::new());
        let mut replay = |_: crate::base::id::LearnerId, effect: &[u8]| {
            ids.push(effect[0]);
            Ok(())
        };
        let (found, complaints) = survey(&disk, &mut replay, &mut |progress| told.push(progress));
        // One batch is broken, seven more are in the file that is gone.
        assert_eq!(found.commits, ids.len() as u64);
        assert!(!ids.contains(&0) && ids.contains(&1) && ids.contains(&8) && ids.contains(&49));
        let [first, head, gap] = complaints.as_slice() else {
            panic!("{complaints:?}");
        };
        assert!(matches!(first, RecoverError::Damaged { offset: 4096, .. }));
        assert!(matches!(head, RecoverError::Damaged { offset: 0, .. }));
        assert!(matches!(gap, RecoverError::Gap { .. }));
        assert_eq!(told.last().unwrap().segments, all.len() as u64 - 1);
        assert_eq!(told.last().unwrap().segments_total, all.len() as u64 - 1);
    }
}

#[test]
fn a_record_that_cannot_be_used_stops_the_start_with_its_place() {
    let disk = written(3, 0);
    let refuse = &mut |_: crate::base::id::LearnerId, effect: &[u8]| match effect.first() {
        Some(2) => Err("unknown kind".to_owned()),
        _ => Ok(()),
    };
    let error = recover(&disk, super::SEGMENT_BYTES, 1, refuse, &mut |_| {}).unwrap_err();
    let told = "journal: journal-000000000001.log, commit 3: unknown kind";
    assert_eq!(error.to_string(), told);
}

#[test]
fn a_real_directory_keeps_what_was_committed() {
    let temp = tempfile::tempdir().unwrap();
    let disk = Directory::open(&temp.path().join("data/journal")).unwrap();
    let (mut first, _) = recovered(&disk).unwrap();
    for id in 0..30 {
        commit(&disk, &mut first.writer, &[append(id, 5000)]).unwrap();
    }
    drop(first);
    // What was being made when the machine stopped is in nobody's way.
    drop(disk.create("journal-000000000009.log.new").unwrap());
    let (second, ids) = recovered(&disk).unwrap();
    assert_eq!((second.commits, ids.len()), (30, 30));
    assert!(
        disk.list()
            .unwrap()
            .iter()
            .all(|name| !name.ends_with(".new"))
    );
}

/// The one place that a simulated disk cannot see: whether the real one asks the kernel at all.
/// What has nothing to sync says so when it is asked.
#[test]
fn the_real_seam_passes_every_sync_on_to_the_kernel() {
    let file = Directory::look(Path::new("/dev")).open("null").unwrap();
    assert!(file.sync().is_err(), "fdatasync was not called");
    let directory = Directory::look(Path::new("/proc/self"));
    assert!(
        directory.sync().is_err(),
        "fsync of the directory was not called"
    );
}
