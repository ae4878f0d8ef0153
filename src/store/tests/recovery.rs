use super::append;
use super::commit;
use super::recovered;
use super::simulated::Fault;
use super::simulated::Simulated;
use crate::store::Directory;
use crate::store::Disk as _;
use crate::store::RecoverError;
use crate::store::recover;

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
    // The remedy holds.
    disk.remove(FIRST).unwrap();
    assert!(recovered(&disk).is_ok());
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
fn a_record_that_cannot_be_used_stops_the_start_with_its_place() {
    let disk = written(3, 0);
    let refuse = &mut |_: crate::base::id::LearnerId, effect: &[u8]| match effect.first() {
        Some(2) => Err("unknown kind".to_owned()),
        _ => Ok(()),
    };
    let error = recover(&disk, super::SEGMENT_BYTES, refuse).unwrap_err();
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
