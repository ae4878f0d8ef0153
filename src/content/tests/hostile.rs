//! What should not lie in a content folder: named with file, line and remedy; the rest is served.

use crate::base::id::LessonId;
use crate::content::Library;
use crate::content::Lookup;
use crate::content::check;
use crate::content::tests::find;
use crate::content::tests::folder;
use crate::content::tests::open;
use crate::content::tests::problems;
use crate::content::tests::text;
use crate::http::Body;
use crate::http::Fields;
use crate::http::Method;
use crate::runtime;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

/// The one problem that begins so; the good lesson is served nevertheless.
fn one(dir: &tempfile::TempDir, wanted: &str) -> String {
    let found = problems(dir);
    let matching: Vec<_> = found.iter().filter(|p| p.starts_with(wanted)).collect();
    assert_eq!(matching.len(), 1, "{wanted}: {found:#?}");
    assert_served(&open(dir.path()));
    matching[0].clone()
}

fn assert_served(library: &Library) {
    let catalogue = library.catalogue();
    let lesson = &catalogue.course("so").unwrap().lessons[0];
    assert_eq!(
        (lesson.id.as_str(), lesson.renditions.len()),
        ("mat-khau", 3)
    );
}

#[test]
fn links_that_lead_out_nowhere_or_in_circles_are_not_followed() {
    let dir = folder();
    let secret = tempfile::NamedTempFile::with_suffix(".txt").unwrap();
    let lesson = dir.path().join("so/01-mat-khau");
    symlink(secret.path(), lesson.join("bi-mat.txt")).unwrap();
    symlink("/nowhere/at/all", lesson.join("dut.txt")).unwrap();
    symlink("b", lesson.join("a")).unwrap();
    symlink("a", lesson.join("b")).unwrap();
    symlink("../..", lesson.join("len")).unwrap();
    fs::write(lesson.join("that.txt"), "thật").unwrap();
    symlink("that.txt", lesson.join("ten-khac.txt")).unwrap();
    one(&dir, "so/01-mat-khau/bi-mat.txt: is a link that leads out");
    one(&dir, "so/01-mat-khau/dut.txt: cannot be opened");
    one(&dir, "so/01-mat-khau/a: cannot be opened");
    one(&dir, "so/01-mat-khau/len: is a link to a folder it lies in");
    let library = open(dir.path());
    runtime::block_on(async {
        let linked = text(&library, "/files/so/01-mat-khau/ten-khac.txt").await;
        assert_eq!(
            linked, "thật",
            "a link within the folder is a file like others"
        );
    });
}

#[test]
fn a_link_put_in_place_of_a_file_after_the_scan_leads_nowhere() {
    let dir = folder();
    let secret = tempfile::NamedTempFile::with_suffix(".txt").unwrap();
    fs::write(secret.path(), "bí mật").unwrap();
    let note = dir.path().join("so/01-mat-khau/ghi.txt");
    fs::write(&note, "công kh").unwrap();
    let library = open(dir.path());
    fs::remove_file(&note).unwrap();
    symlink(secret.path(), &note).unwrap();
    let Lookup::Miss(building) = find(&library, "/files/so/01-mat-khau/ghi.txt") else {
        panic!("not cold");
    };
    assert!(runtime::block_on(building).is_err());
}

#[test]
fn a_pipe_in_a_lesson_is_named_and_never_waited_for() {
    let dir = folder();
    let pipe = dir.path().join("so/01-mat-khau/video-720p.mp4");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    one(
        &dir,
        "so/01-mat-khau/video-720p.mp4: is neither a file nor a folder",
    );
}

#[test]
fn names_that_look_alike_or_turn_the_line_around_are_named() {
    let dir = folder();
    let lesson = dir.path().join("so/01-mat-khau");
    let write = |name: &str| fs::write(lesson.join(name), "x").unwrap();
    write("b\u{e0}i.txt");
    write("ba\u{300}i.txt");
    write("gi\u{202e}txt.exe.pdf");
    write("xo\u{1b}[2Ja.txt");
    write("mot\nhai.txt");
    fs::write(lesson.join(OsStr::from_bytes(b"h\xffng.txt")), "x").unwrap();
    let twin = one(&dir, "so/01-mat-khau/b\u{e0}i.txt: its name looks the same");
    assert!(twin.ends_with("rename or remove one of them"), "{twin}");
    one(
        &dir,
        "so/01-mat-khau/gi\u{fffd}txt.exe.pdf: its name has an invisible",
    );
    one(
        &dir,
        "so/01-mat-khau/xo\u{fffd}[2Ja.txt: its name has a control",
    );
    one(
        &dir,
        "so/01-mat-khau/mot\u{fffd}hai.txt: its name has a control",
    );
    one(
        &dir,
        "so/01-mat-khau/h\u{fffd}ng.txt: its name is not UTF-8",
    );
    let raw = problems(&dir).concat();
    assert!(
        !raw.chars().any(char::is_control),
        "a terminal would obey: {raw:?}"
    );
    // Both of two that look alike can be had, each under its own name.
    let library = open(dir.path());
    for name in ["b\u{e0}i.txt", "ba\u{300}i.txt"] {
        let path = format!("/files/so/01-mat-khau/{name}");
        assert!(!matches!(find(&library, &path), Lookup::NotFound), "{name}");
    }
}

#[test]
fn of_two_with_one_id_the_first_is_served_and_the_second_named() {
    let dir = folder();
    let course = dir.path().join("so");
    let copy = |from: &Path, to: &Path| fs::copy(from, to).unwrap();
    fs::create_dir(dir.path().join("tt-khac")).unwrap();
    copy(
        &course.join("course.toml"),
        &dir.path().join("tt-khac/course.toml"),
    );
    let mut toml = fs::read_to_string(course.join("course.toml")).unwrap();
    if !toml.contains("id = ") {
        toml = format!("id = \"so\"\n{toml}");
    }
    fs::write(dir.path().join("tt-khac/course.toml"), toml).unwrap();
    fs::create_dir(course.join("02-mat-khau")).unwrap();
    fs::write(course.join("02-mat-khau/text.vi.md"), "x").unwrap();
    copy(
        &course.join("01-mat-khau/quiz.toml"),
        &course.join("01-mat-khau/thi.toml"),
    );
    one(&dir, "tt-khac: another course has the id `so`");
    one(
        &dir,
        "so/02-mat-khau: another lesson of the course has the id `mat-khau`",
    );
    one(
        &dir,
        "so/01-mat-khau/thi.toml: another quiz of the course has the id",
    );
}

#[test]
fn of_two_that_learners_states_cannot_tell_apart_the_second_is_named() {
    // Two ids of 200,000 whose hashes begin alike.
    let (one_lesson, other_lesson) = ("bai-101376", "bai-103451");
    assert_eq!(LessonId::of(one_lesson), LessonId::of(other_lesson));
    let dir = folder();
    let course = dir.path().join("so");
    for lesson in [one_lesson, other_lesson] {
        fs::create_dir(course.join(lesson)).unwrap();
        fs::write(course.join(lesson).join("text.vi.md"), "x").unwrap();
    }
    for name in ["bai-112679.gift", "bai-114855.gift"] {
        fs::write(course.join(name), "Q {T}\n").unwrap();
    }
    one(
        &dir,
        "so/bai-103451: the ids of lesson `bai-103451` and lesson `bai-101376` have the",
    );
    one(
        &dir,
        "so/bai-114855.gift: the ids of quiz `bai-114855` and quiz `bai-112679` have the",
    );
    let library = open(dir.path());
    let catalogue = library.catalogue();
    let served = catalogue.course("so").unwrap();
    let lessons = served.lessons.iter().map(|lesson| lesson.id.as_str());
    assert!(lessons.eq(["mat-khau", one_lesson]));
    let quizzes = served.quizzes.iter().map(|quiz| quiz.id.as_str());
    assert!(quizzes.eq(["mat-khau-quiz", "bai-112679"]));
}

#[test]
fn courses_that_wait_for_each_other_are_named_and_served() {
    let dir = folder();
    let add = |name: &str, wants: &str| {
        fs::create_dir(dir.path().join(name)).unwrap();
        let toml = format!("title = \"x\"\nprerequisites = [\"{wants}\"]\n");
        fs::write(dir.path().join(name).join("course.toml"), toml).unwrap();
    };
    add("a", "b");
    add("b", "a");
    add("c", "khong-co");
    let circle = one(&dir, "a/course.toml: `prerequisites` run in a circle");
    assert!(
        circle.contains("a → b → a; take one of them out"),
        "{circle}"
    );
    one(&dir, "c/course.toml: `prerequisites` names `khong-co`");
    assert_eq!(open(dir.path()).catalogue().courses().len(), 4);
}

#[test]
fn text_files_that_are_not_utf_8_are_named_with_their_line() {
    let dir = folder();
    let lesson = dir.path().join("so/01-mat-khau");
    for name in ["lesson.toml", "thi.toml", "captions.en.vtt", "text.vi.md"] {
        let file = lesson.join(name);
        fs::write(&file, b"# a\n# b\n# h\xffng\n").unwrap();
        let found = problems(&dir);
        let wanted = format!("so/01-mat-khau/{name}:3: is not UTF-8; save it as UTF-8");
        assert!(found.contains(&wanted), "{found:?}");
        fs::remove_file(&file).unwrap();
    }
    fs::write(dir.path().join("so/course.toml"), b"\n\xff").unwrap();
    let found = problems(&dir);
    assert!(
        found[0].starts_with("so/course.toml:2: is not UTF-8"),
        "{found:?}"
    );
}

#[test]
fn broken_toml_is_named_with_its_line() {
    let dir = folder();
    let lesson = dir.path().join("so/01-mat-khau");
    fs::write(lesson.join("thi.toml"), "a = 1\n\nb = = 2\n").unwrap();
    let listed = one(&dir, "so/01-mat-khau/thi.toml:3: not TOML");
    assert!(listed.ends_with("; correct this line"), "{listed}");
}

#[test]
fn a_folder_of_folders_of_folders_ends() {
    let dir = folder();
    let mut deep = dir.path().join("so/tai-lieu");
    for n in 0..8 {
        deep = deep.join(format!("d{n}"));
    }
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("x.txt"), "x").unwrap();
    one(
        &dir,
        "so/tai-lieu/d0/d1/d2/d3: lies more than 4 folders deep",
    );
}

#[test]
fn a_large_attachment_cut_while_it_is_sent_ends_with_an_error() {
    let dir = folder();
    let file = dir.path().join("so/01-mat-khau/lon.zip");
    fs::write(&file, vec![7; 3 << 20]).unwrap();
    let library = open(dir.path());
    let Lookup::File(attachment) = find(&library, "/files/so/01-mat-khau/lon.zip") else {
        panic!("not large");
    };
    let reply = attachment
        .resource()
        .reply(Method::Get, &Fields::new())
        .unwrap();
    let Body::Pull(mut source) = reply.body else {
        panic!("held");
    };
    runtime::block_on(async {
        let mut sent = 0;
        loop {
            let piece = std::future::poll_fn(|cx| source.poll_chunk(cx)).await;
            let Some(Ok(piece)) = piece else {
                assert!(matches!(piece, Some(Err(_))), "ended as if whole");
                break;
            };
            sent += piece.len();
            assert!(sent < 1 << 20, "bytes of a file that is no more");
            let cut = fs::OpenOptions::new().write(true).open(&file).unwrap();
            cut.set_len(1000).unwrap();
        }
        assert!(sent > 0);
    });
}

#[test]
fn one_course_alone_is_checked_like_all_of_them() {
    let dir = folder();
    let bad = dir.path().join("so/01-mat-khau/ghi-chu.html");
    fs::write(bad, "<script>").unwrap();
    let checked = check(&dir.path().join("so"), &()).unwrap();
    assert_eq!(
        (checked.courses, checked.lessons, checked.quizzes),
        (1, 1, 1)
    );
    assert_eq!(checked.problems.len(), 1);
    assert_eq!(checked.problems[0].file, "01-mat-khau/ghi-chu.html");
    let all = check(dir.path(), &()).unwrap();
    assert_eq!(all.problems[0].file, "so/01-mat-khau/ghi-chu.html");
}
