//! Papers that were sat: there for as long as anybody may hand one in.

use crate::content::PaperError;
use crate::content::Papers;
use crate::content::Path;
use crate::content::Sheet;
use crate::content::SheetName;
use crate::content::tests::folder;
use crate::content::tests::open;
use crate::quiz::Answer;
use crate::quiz::Score;
use crate::quiz::Share;
use crate::quiz::grade;
use crate::runtime;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use tempfile::TempDir;

const QUIZ: &str = "[[item]]\nkind = \"one\"\ntext = \"TEXT\"\noptions = [\"a\", \"b\"]\n\
                    correct = [RIGHT]\n";

fn write(dir: &TempDir, text: &str, right: u32) {
    let quiz = QUIZ.replace("TEXT", text);
    let quiz = quiz.replace("RIGHT", &right.to_string());
    fs::write(dir.path().join("so/01-mat-khau/quiz.toml"), quiz).unwrap();
}

/// The quiz as it is written now.
fn served(dir: &TempDir) -> Sheet {
    let library = open(dir.path());
    let catalogue = library.catalogue();
    let (_, _, sheet) = catalogue.sheet("so", "mat-khau-quiz").unwrap();
    let again = catalogue.sheet_of(sheet.name()).unwrap();
    assert_eq!(again.version(), sheet.version());
    sheet
}

fn right(sheet: &Sheet) -> Option<usize> {
    let key = sheet.key().item("q1").unwrap();
    let is_right = |at: &usize| {
        let chosen = vec![u32::try_from(*at).unwrap()];
        grade(key, &Answer::Choice(chosen)) == Score::Graded(Share::ALL)
    };
    (0..2).find(is_right)
}

#[test]
fn a_replaced_quiz_is_graded_with_its_own_key_after_a_restart() {
    let (dir, data) = (folder(), tempfile::tempdir().unwrap());
    let papers = || Papers::open(data.path().join("papers")).unwrap();
    write(&dir, "first", 1);
    let first = served(&dir);
    let running = papers();
    assert!(!running.has(&first));
    running.keep(&first).unwrap();
    assert!(running.has(&first));
    write(&dir, "second", 0);
    let second = served(&dir);
    assert_ne!(first.name(), second.name());
    let library = open(dir.path());
    assert!(library.catalogue().sheet_of(first.name()).is_none());

    let restarted = papers();
    assert!(matches!(restarted.find(first.name()), Some(None)));
    let read = restarted.read(first.name()).unwrap();
    assert_eq!((read.version(), right(&read)), (first.version(), Some(1)));
    assert_eq!(
        (read.course().as_str(), read.quiz().as_str()),
        ("so", "mat-khau-quiz")
    );
    assert!(matches!(restarted.find(first.name()), Some(Some(_))));
    assert!(restarted.find(second.name()).is_none());
    let url = format!("/quiz/so/mat-khau-quiz/{}.json", first.version());
    assert_eq!(
        restarted.named(&Path::parse(&url).unwrap()),
        Some(first.name())
    );
    // Its questions are still to be had, by who sits it.
    let chunk = runtime::block_on(library.hand_out(&read)).unwrap();
    let text = String::from_utf8(chunk.bytes().to_vec()).unwrap();
    assert!(text.contains("first"), "{text}");
}

#[test]
fn a_key_that_was_corrected_counts_for_those_who_sit_the_quiz() {
    let (dir, data) = (folder(), tempfile::tempdir().unwrap());
    let papers = Papers::open(data.path().join("papers")).unwrap();
    write(&dir, "text", 0);
    let wrong = served(&dir);
    papers.keep(&wrong).unwrap();
    write(&dir, "text", 1);
    let corrected = served(&dir);
    assert_eq!(wrong.name(), corrected.name());
    assert!(!papers.has(&corrected));
    papers.keep(&corrected).unwrap();
    let read = papers.read(wrong.name()).unwrap();
    assert_eq!(right(&read), Some(1));
}

#[test]
fn a_quiz_that_an_author_replaced_stays_for_attempts_of_other_nodes() {
    let (dir, data) = (folder(), tempfile::tempdir().unwrap());
    write(&dir, "first", 1);
    let library = open(dir.path());
    assert!(library.catalogue().left().is_empty());
    let first = library.catalogue().sheet("so", "mat-khau-quiz").unwrap().2;
    write(&dir, "second", 0);
    library.reload(runtime::now()).unwrap();
    let catalogue = library.catalogue();
    let left: Vec<_> = catalogue.left().iter().map(Sheet::name).collect();
    assert_eq!(left, [first.name()]);
    let papers = Papers::open(data.path().to_owned()).unwrap();
    papers.leave(catalogue.left()).unwrap();
    let read = papers.read(first.name()).unwrap();
    assert_eq!(right(&read), Some(1));
    // What nobody synced is no ground to acknowledge an attempt on.
    assert!(!papers.has(&first));
    papers.keep(&first).unwrap();
    assert!(papers.has(&first));
}

#[test]
fn nobody_else_reads_the_papers_and_a_damaged_one_grades_nothing() {
    let (dir, data) = (folder(), tempfile::tempdir().unwrap());
    write(&dir, "text", 1);
    let sheet = served(&dir);
    let path = data.path().join("papers");
    let papers = Papers::open(path.clone()).unwrap();
    papers.keep(&sheet).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let file = fs::read_dir(&path).unwrap().next().unwrap().unwrap().path();
    assert_eq!((mode(&path), mode(&file)), (0o700, 0o600));

    let whole = fs::read_to_string(&file).unwrap();
    for damaged in ["", "{}", &whole.replace("correct = [1]", "correct = [0]")] {
        assert_ne!(*damaged, *whole);
        fs::write(&file, damaged).unwrap();
        let papers = Papers::open(path.clone()).unwrap();
        let error = papers.read(sheet.name()).unwrap_err();
        assert!(error.to_string().contains("damaged"), "{error}");
        // Who serves the quiz still writes it anew.
        papers.keep(&sheet).unwrap();
        assert!(papers.read(sheet.name()).is_ok());
    }
    fs::write(path.join("notes.txt"), "mine").unwrap();
    fs::write(path.join("a.b.json"), "mine").unwrap();
    let papers = Papers::open(path).unwrap();
    let other = SheetName {
        version: 1,
        ..sheet.name()
    };
    assert!(papers.find(other).is_none());
    assert!(matches!(papers.read(other), Err(PaperError::Unknown)));
}

#[test]
fn papers_of_the_first_form_are_read_for_ever() {
    let data = tempfile::tempdir().unwrap();
    let version = "00112233445566778899aabbccddeeff";
    let file = format!("so.mat-khau-quiz.0000000a.{version}.json");
    let form = r#"{"v":1,"check":"CHECK","modified_unix_s":5,"paper":{"file":"a/quiz.toml",
        "text":"[[item]]\nkind=\"tf\"\ntext=\"?\"\ncorrect=true\n","main":"vi","pass":0.7}}"#;
    let form = form.replace("CHECK", "7f7e5826912775c1e73136736ab625ee");
    fs::write(data.path().join(file), form).unwrap();
    let papers = Papers::open(data.path().to_owned()).unwrap();
    let url = format!("/quiz/so/mat-khau-quiz/{version}.json");
    let name = papers.named(&Path::parse(&url).unwrap()).unwrap();
    assert_eq!((name.quiz.0, name.version), (10, 0x0011_2233_4455_6677));
    let sheet = papers.read(name).unwrap();
    assert_eq!(sheet.key().len(), 1);
}
