//! What is served, and what is refused with a sentence.

use crate::base::metrics::Source as _;
use crate::content::Chunk;
use crate::content::Config;
use crate::content::Library;
use crate::content::Lookup;
use crate::content::check;
use crate::content::tests::bundled;
use crate::content::tests::fetch;
use crate::content::tests::find;
use crate::content::tests::folder;
use crate::content::tests::open;
use crate::content::tests::problems;
use crate::content::tests::text;
use crate::runtime;
use std::fs;
use std::path;
use std::pin::Pin;
use std::sync::Arc;

#[test]
fn the_bundled_course_has_no_problem_and_everything_in_it_is_served() {
    let library = bundled();
    let catalogue = library.catalogue();
    assert_eq!(catalogue.problems(), []);
    let course = catalogue.course("ky-nang-so").unwrap();
    assert_eq!((course.lessons.len(), course.quizzes.len()), (3, 3));
    runtime::block_on(async {
        for lesson in &course.lessons {
            assert!(lesson.duration_ms > 20_000, "{lesson:?}");
            let base = format!("/media/{}/{}", course.id, lesson.id);
            let master = text(&library, &format!("{base}/master.m3u8")).await;
            assert_eq!(master.matches("#EXT-X-STREAM-INF").count(), 5, "{master}");
            for rendition in &lesson.renditions {
                let list = text(
                    &library,
                    &format!("{base}/{}/playlist.m3u8", rendition.track),
                )
                .await;
                let track = format!("{base}/{}", rendition.track);
                for line in list.lines().filter(|line| !line.starts_with('#')) {
                    let segment = fetch(&library, &format!("{track}/{line}")).await;
                    assert_eq!(&segment.bytes()[4..8], b"styp");
                }
                let init =
                    fetch(&library, &format!("{track}/{}/init.mp4", rendition.version)).await;
                assert_eq!(&init.bytes()[4..8], b"ftyp");
                let source = find(&library, &format!("{base}/source/{}.mp4", rendition.track));
                assert!(matches!(source, Lookup::File(_)));
            }
            for language in &lesson.captions {
                let subs = format!("{base}/subs/{language}");
                let list = text(&library, &format!("{subs}/playlist.m3u8")).await;
                for line in list.lines().filter(|line| !line.starts_with('#')) {
                    let segment = text(&library, &format!("{subs}/{line}")).await;
                    assert!(segment.starts_with("WEBVTT\nX-TIMESTAMP-MAP="));
                }
            }
        }
        for quiz in &course.quizzes {
            let path = format!("/quiz/{}/{}/{}.json", course.id, quiz.id, quiz.version);
            let json: serde_json::Value =
                serde_json::from_str(&text(&library, &path).await).unwrap();
            assert_eq!(json["items"].as_array().unwrap().len(), quiz.items as usize);
            let key = catalogue
                .quiz_key(course.id.as_str(), quiz.id.as_str())
                .unwrap();
            assert_eq!(key.len(), quiz.items as usize);
        }
    });
}

#[test]
fn a_thousand_cold_requests_for_one_segment_build_it_once() {
    let dir = folder();
    let library = open(dir.path());
    let version = library.catalogue().course("so").unwrap().lessons[0].renditions[0].version;
    let path = format!("/media/so/mat-khau/240p/{version}/0.m4s");
    runtime::block_on(async {
        let mut waiting = Vec::new();
        for _ in 0..1000 {
            let Lookup::Miss(building) = find(&library, &path) else {
                panic!("not cold");
            };
            waiting.push(building);
        }
        // The first is polled and dropped: the build must not be lost with it.
        let mut first = waiting.remove(0);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(Pin::new(&mut first).poll(&mut context).is_pending());
        drop(first);
        let chunks = futures(waiting).await;
        assert!(chunks.iter().all(|chunk| Arc::ptr_eq(chunk, &chunks[0])));
        assert!(matches!(find(&library, &path), Lookup::Hit(_)));
    });
    let mut samples = Vec::new();
    library.sample(&mut samples);
    let value = |name: &str| samples.iter().find(|s| s.name == name).unwrap().value;
    assert_eq!(value("lamplight_content_builds"), 1);
    assert_eq!(value("lamplight_content_building"), 0);
}

#[test]
fn asking_and_leaving_does_not_keep_the_builders_busy_for_nothing() {
    let dir = folder();
    let library = open(dir.path());
    let version = library.catalogue().course("so").unwrap().lessons[0].renditions[0].version;
    let path = format!("/media/so/mat-khau/240p/{version}/1.m4s");
    runtime::block_on(async {
        let Lookup::Miss(mut building) = find(&library, &path) else {
            panic!("not cold");
        };
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(Pin::new(&mut building).poll(&mut context).is_pending());
        drop(building);
        // What was begun is finished, though nobody waits for it.
        runtime::drained(0).await;
        assert!(matches!(find(&library, &path), Lookup::Hit(_)));
    });
}

/// Polls all at once, as a worker's loop does.
async fn futures(mut waiting: Vec<crate::content::Building>) -> Vec<Arc<Chunk>> {
    let mut done = Vec::new();
    std::future::poll_fn(|cx| {
        waiting.retain_mut(|building| match Pin::new(building).poll(cx) {
            std::task::Poll::Ready(chunk) => {
                done.push(chunk.unwrap());
                false
            }
            std::task::Poll::Pending => true,
        });
        if waiting.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done
}

#[test]
fn a_broken_rendition_does_not_silence_the_lesson() {
    let dir = folder();
    let video = dir.path().join("so/01-mat-khau/video-360p.mp4");
    let whole = fs::read(&video).unwrap();
    fs::write(&video, &whole[..whole.len() / 2]).unwrap();
    let library = open(dir.path());
    let catalogue = library.catalogue();
    let lesson = &catalogue.course("so").unwrap().lessons[0];
    let tracks: Vec<_> = lesson.renditions.iter().map(|r| r.track.as_str()).collect();
    assert_eq!(tracks, ["240p", "audio"]);
    assert_eq!(catalogue.problems().len(), 1);
    let problem = catalogue.problems()[0].to_string();
    assert!(
        problem.starts_with("so/01-mat-khau/video-360p.mp4: the file is cut off"),
        "{problem}"
    );
    // Repaired, it is back without a restart.
    fs::write(&video, &whole).unwrap();
    library.reload(runtime::now()).unwrap();
    assert_eq!(library.catalogue().problems(), []);
    assert_eq!(
        library.catalogue().course("so").unwrap().lessons[0]
            .renditions
            .len(),
        3
    );
}

#[test]
fn a_lesson_without_a_playable_recording_is_left_out_and_its_course_served() {
    let dir = folder();
    let bad = dir.path().join("so/02-hong");
    fs::create_dir(&bad).unwrap();
    fs::write(bad.join("video.mp4"), [0; 4096]).unwrap();
    let library = open(dir.path());
    let catalogue = library.catalogue();
    assert_eq!(catalogue.course("so").unwrap().lessons.len(), 1);
    let listed = catalogue.problems()[0].to_string();
    assert!(
        listed.contains("so/02-hong/video.mp4: this is a file of zeros"),
        "{listed}"
    );
    assert!(matches!(
        find(&library, "/media/so/hong/master.m3u8"),
        Lookup::NotFound
    ));
}

#[test]
fn authors_learn_of_every_mistake_with_a_remedy() {
    let dir = folder();
    let lesson = dir.path().join("so/01-mat-khau");
    fs::write(lesson.join("captions.vi.vtt"), "1\n00:01,0 --> 00:02,0\n").unwrap();
    fs::write(lesson.join("captions.vtt"), "WEBVTT\n").unwrap();
    fs::write(lesson.join("lesson.toml"), "id = \"mat-khau\"\n").unwrap();
    fs::write(lesson.join("ghi-chu.html"), "<script>").unwrap();
    fs::write(lesson.join("thi.gift"), "::q::").unwrap();
    fs::write(lesson.join("video.webm"), [0x1a, 0x45, 0xdf, 0xa3]).unwrap();
    fs::write(
        lesson.join("thi.toml"),
        "[[item]]\nkind = \"on\"\ntext = \"x\"\n",
    )
    .unwrap();
    fs::create_dir(dir.path().join("Khóa học")).unwrap();
    let found = problems(&dir);
    for wanted in [
        "Khóa học/course.toml: is missing",
        "so/01-mat-khau/captions.vi.vtt:1: the file does not begin with WEBVTT",
        "so/01-mat-khau/captions.vtt: its name does not tell the language",
        "so/01-mat-khau/ghi-chu.html: is no kind of file",
        "so/01-mat-khau/thi.gift: holds no question",
        "so/01-mat-khau/thi.toml:2: there is no kind `on`; did you mean \"one\"?",
        "so/01-mat-khau/video.webm: this is a WebM or Matroska file",
    ] {
        let count = found.iter().filter(|line| line.starts_with(wanted)).count();
        assert_eq!(count, 1, "{wanted}: {found:#?}");
    }
    assert_eq!(
        check(&dir.path().join("so"), &()).unwrap().problems.len(),
        6
    );
}

#[test]
fn a_link_out_of_the_content_folder_is_never_followed() {
    let dir = folder();
    let secret = tempfile::NamedTempFile::with_suffix(".txt").unwrap();
    fs::write(secret.path(), "bí mật").unwrap();
    let link = dir.path().join("so/01-mat-khau/bi-mat.txt");
    std::os::unix::fs::symlink(secret.path(), &link).unwrap();
    std::os::unix::fs::symlink("/etc", dir.path().join("so/02-etc")).unwrap();
    std::os::unix::fs::symlink(".", dir.path().join("so/01-mat-khau/vong")).unwrap();
    let library = open(dir.path());
    let listed = problems(&dir);
    assert_eq!(
        listed.iter().filter(|p| p.contains("leads out of")).count(),
        2,
        "{listed:?}"
    );
    for path in [
        "01-mat-khau/bi-mat.txt",
        "01-mat-khau/../../x",
        "../so/course.toml",
    ] {
        let lookup = find(&library, &format!("/files/so/{path}"));
        assert!(matches!(lookup, Lookup::NotFound), "{path}");
    }
}

#[test]
fn answers_are_never_served_as_files() {
    let dir = folder();
    fs::write(dir.path().join("so/01-mat-khau/tai-lieu.txt"), "xin chào").unwrap();
    fs::write(dir.path().join("so/01-mat-khau/lon.zip"), vec![7; 3 << 20]).unwrap();
    let library = open(dir.path());
    for name in ["quiz.toml", "lesson.toml", "video-240p.mp4", ".git"] {
        let lookup = find(&library, &format!("/files/so/01-mat-khau/{name}"));
        assert!(matches!(lookup, Lookup::NotFound), "{name}");
    }
    assert!(matches!(
        find(&library, "/files/so/course.toml"),
        Lookup::NotFound
    ));
    let catalogue = library.catalogue();
    let lesson = &catalogue.course("so").unwrap().lessons[0];
    assert_eq!(
        lesson.attachments,
        ["01-mat-khau/lon.zip", "01-mat-khau/tai-lieu.txt"]
    );
    runtime::block_on(async {
        assert_eq!(
            text(&library, "/files/so/01-mat-khau/tai-lieu.txt").await,
            "xin chào"
        );
    });
    let large = find(&library, "/files/so/01-mat-khau/lon.zip");
    assert!(matches!(large, Lookup::File(file) if file.len == 3 << 20));
}

#[test]
fn an_absent_or_empty_folder_is_a_sentence_not_an_empty_school() {
    let dir = tempfile::tempdir().unwrap();
    let refuse = |dir: &path::Path| {
        let config = Config {
            dir: dir.to_owned(),
            ..Config::default()
        };
        Library::open(config).unwrap_err().to_string()
    };
    assert!(refuse(dir.path()).contains("holds no course folder"));
    let absent = refuse(&dir.path().join("x"));
    assert!(
        absent.contains("No such file") && absent.contains("--content"),
        "{absent}"
    );
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(refuse(&file).contains("Not a directory"));
}

#[test]
fn a_failed_reload_keeps_what_is_served() {
    let dir = folder();
    let library = open(dir.path());
    let away = dir.path().join("so");
    let aside = tempfile::tempdir().unwrap();
    fs::rename(&away, aside.path().join("so")).unwrap();
    assert!(library.reload(runtime::now()).is_err());
    assert_eq!(library.catalogue().courses().len(), 1);
}

#[test]
fn the_cache_never_holds_more_than_its_budget() {
    let dir = folder();
    let config = Config {
        dir: dir.path().to_owned(),
        cache: crate::base::units::Size::kib(200),
        ..Config::default()
    };
    let library = Library::open(config).unwrap();
    let catalogue = library.catalogue();
    let lesson = &catalogue.course("so").unwrap().lessons[0];
    let mut samples = Vec::new();
    runtime::block_on(async {
        for rendition in &lesson.renditions {
            let base = format!("/media/so/mat-khau/{}", rendition.track);
            for n in 0..8 {
                fetch(&library, &format!("{base}/{}/{n}.m4s", rendition.version)).await;
                samples.clear();
                library.sample(&mut samples);
                let held = samples
                    .iter()
                    .find(|s| s.name == "lamplight_content_cache_bytes");
                assert!(held.unwrap().value <= 200 * 1024);
            }
        }
    });
    let evicted = samples
        .iter()
        .find(|s| s.name == "lamplight_content_evictions")
        .unwrap();
    assert!(evicted.value > 0);
}
