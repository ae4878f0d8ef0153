//! Changes while serving: taken in when they are whole, and never to the loss of what is good.

use crate::content::Library;
use crate::content::Looked;
use crate::content::Lookup;
use crate::content::tests::age;
use crate::content::tests::find;
use crate::content::tests::folder;
use crate::content::tests::open;
use crate::runtime;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

fn modified_ns(path: &Path) -> u64 {
    let time = fs::metadata(path).unwrap().modified().unwrap();
    let since = time.duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_nanos()).unwrap()
}

const fn looked(read: usize, waiting: usize) -> Looked {
    Looked {
        read,
        renewed: 0,
        waiting,
    }
}

fn titles(library: &Library) -> Vec<String> {
    let catalogue = library.catalogue();
    let lessons = &catalogue.course("so").unwrap().lessons;
    lessons.iter().map(|l| l.title.main().to_owned()).collect()
}

#[test]
fn a_course_that_is_still_being_copied_stays_as_it_was_until_it_is_whole() {
    let dir = folder();
    age(dir.path());
    let library = open(dir.path());
    let now = runtime::now();
    let second = 1_000_000_000;
    let before = library.catalogue();
    assert_eq!(library.look(now, 0).unwrap(), looked(0, 0));
    assert!(
        Arc::ptr_eq(&before, &library.catalogue()),
        "swapped for nothing"
    );
    // Half of another rendition arrives.
    let lesson = dir.path().join("so/01-mat-khau");
    let whole = fs::read(lesson.join("video-360p.mp4")).unwrap();
    let growing = lesson.join("video-720p.mp4");
    fs::write(&growing, &whole[..whole.len() / 2]).unwrap();
    let written = modified_ns(&growing);
    for wait in 0..3 {
        let look = library.look(now, written + wait * second).unwrap();
        assert_eq!(look, looked(0, 1), "after {wait} s");
    }
    assert_eq!(library.catalogue().problems(), []);
    // Then the rest, and quiet.
    fs::write(&growing, &whole).unwrap();
    let written = modified_ns(&growing);
    assert_eq!(
        library.look(now, written + 2 * second).unwrap(),
        looked(0, 1)
    );
    assert_eq!(
        library.look(now, written + 4 * second).unwrap(),
        looked(1, 0)
    );
    assert_eq!(library.catalogue().problems(), []);
    let renditions = library.catalogue().course("so").unwrap().lessons[0]
        .renditions
        .len();
    assert_eq!(renditions, 4);
    assert_eq!(
        library.look(now, written + 9 * second).unwrap(),
        looked(0, 0)
    );
}

#[test]
fn a_file_that_never_rests_does_not_keep_its_course_from_changing_for_ever() {
    let dir = folder();
    age(dir.path());
    let library = open(dir.path());
    let now = runtime::now();
    let note = dir.path().join("so/01-mat-khau/ghi.txt");
    for (after, wanted) in [(0, looked(0, 1)), (599, looked(0, 1)), (600, looked(1, 0))] {
        fs::write(&note, format!("{after}")).unwrap();
        let look = library.look(now + Duration::from_secs(after), modified_ns(&note));
        assert_eq!(look.unwrap(), wanted, "after {after} s");
    }
}

#[test]
fn a_mistake_in_one_file_takes_nothing_from_those_who_learn() {
    let dir = folder();
    let course = dir.path().join("so");
    let lesson = course.join("01-mat-khau");
    fs::write(lesson.join("lesson.toml"), "title = \"Bài một\"\n").unwrap();
    let library = open(dir.path());
    let quizzes = library.catalogue().course("so").unwrap().quizzes.clone();
    let version = library.catalogue().course("so").unwrap().lessons[0].renditions[0].version;
    for (file, text, listed) in [
        (
            course.join("course.toml"),
            "title = \n",
            "so/course.toml:1: not TOML",
        ),
        (
            lesson.join("lesson.toml"),
            "titel = \"x\"\n",
            "so/01-mat-khau/lesson.toml:1: unknown",
        ),
        (
            lesson.join("quiz.toml"),
            "[[item]]\n",
            "so/01-mat-khau/quiz.toml:1: the item has no",
        ),
    ] {
        let good = fs::read(&file).unwrap();
        fs::write(&file, text).unwrap();
        library.reload(runtime::now()).unwrap();
        let catalogue = library.catalogue();
        let problems: Vec<_> = catalogue
            .problems()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(
            problems.iter().any(|p| p.starts_with(listed)),
            "{problems:?}"
        );
        assert_eq!(titles(&library), ["Bài một"], "{listed}");
        assert_eq!(catalogue.course("so").unwrap().quizzes, quizzes, "{listed}");
        let path = format!("/media/so/mat-khau/240p/{version}/init.mp4");
        assert!(!matches!(
            find(&library, &path),
            Lookup::NotFound | Lookup::Gone
        ));
        let quiz = format!("/quiz/so/{}/{}.json", quizzes[0].id, quizzes[0].version);
        assert!(!matches!(
            find(&library, &quiz),
            Lookup::NotFound | Lookup::Gone
        ));
        fs::write(&file, good).unwrap();
        library.reload(runtime::now()).unwrap();
        assert_eq!(library.catalogue().problems(), []);
    }
    // Taken away on purpose, it is gone.
    fs::remove_file(course.join("course.toml")).unwrap();
    library.reload(runtime::now()).unwrap();
    assert!(library.catalogue().course("so").is_none());
}

#[test]
fn a_changed_source_asks_for_a_look_at_once() {
    let dir = folder();
    let library = open(dir.path());
    let version = library.catalogue().course("so").unwrap().lessons[0].renditions[0].version;
    let video = dir.path().join("so/01-mat-khau/video-240p.mp4");
    fs::copy(dir.path().join("so/01-mat-khau/video-360p.mp4"), &video).unwrap();
    runtime::block_on(async {
        let path = format!("/media/so/mat-khau/240p/{version}/0.m4s");
        let Lookup::Miss(building) = find(&library, &path) else {
            panic!("not cold");
        };
        assert!(building.await.is_err());
        library.noticed().await;
    });
}

#[test]
fn the_end_of_the_process_does_not_wait_for_a_reading() {
    let dir = folder();
    age(dir.path());
    let library = open(dir.path());
    let before = library.catalogue();
    fs::write(dir.path().join("so/01-mat-khau/ghi.txt"), "x").unwrap();
    library.stop();
    assert_eq!(library.look(runtime::now(), 0).unwrap(), looked(0, 0));
    library.reload(runtime::now()).unwrap();
    assert!(Arc::ptr_eq(&before, &library.catalogue()), "read after all");
}

#[test]
fn a_content_folder_that_vanishes_for_a_moment_changes_nothing() {
    let dir = folder();
    let library = open(dir.path());
    let aside = tempfile::tempdir().unwrap();
    fs::rename(dir.path().join("so"), aside.path().join("so")).unwrap();
    assert!(library.look(runtime::now(), 0).is_err());
    assert_eq!(library.catalogue().courses().len(), 1);
}
