//! Versions that were replaced: fetchable for a while, then gone, never mixed.

use crate::content::Config;
use crate::content::Library;
use crate::content::LoadError;
use crate::content::Lookup;
use crate::content::Sources;
use crate::content::tests::age;
use crate::content::tests::fetch;
use crate::content::tests::find;
use crate::content::tests::find_at;
use crate::content::tests::folder;
use crate::content::tests::open;
use crate::content::tests::text;
use crate::runtime;
use std::fs;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// Longer than a cache may hand out the playlist that names a version.
const LATER: Duration = Duration::from_secs(720);

fn segment(library: &Library, n: u32) -> String {
    let version = library.catalogue().course("so").unwrap().lessons[0].renditions[0].version;
    format!("/media/so/mat-khau/240p/{version}/{n}.m4s")
}

/// Puts another recording at the place of the smallest picture, as `rsync` and `mv` do.
fn replace(dir: &TempDir) {
    let lesson = dir.path().join("so/01-mat-khau");
    fs::copy(lesson.join("video-360p.mp4"), lesson.join(".new")).unwrap();
    fs::rename(lesson.join(".new"), lesson.join("video-240p.mp4")).unwrap();
}

fn gone(lookup: Lookup) -> bool {
    match lookup {
        Lookup::Gone => true,
        Lookup::Miss(building) => {
            let outcome = runtime::block_on(building);
            matches!(outcome, Err(LoadError::Gone { .. }))
        }
        Lookup::Hit(_) | Lookup::File(_) | Lookup::NotFound => false,
    }
}

#[test]
fn a_viewer_of_a_replaced_lesson_watches_it_to_the_end_of_the_playlists_life() {
    let dir = folder();
    let library = open(dir.path());
    let (first, last) = (segment(&library, 0), segment(&library, 5));
    let now = runtime::now();
    let old = runtime::block_on(fetch(&library, &first)).bytes();
    replace(&dir);
    library.reload(now).unwrap();
    assert_ne!(segment(&library, 0), first);
    runtime::block_on(async {
        assert_eq!(fetch(&library, &first).await.bytes(), old);
        // Never built before the change, and still the former bytes.
        let Lookup::Miss(building) = find_at(&library, &last, now + LATER / 2) else {
            panic!("not cold");
        };
        let chunk = building.await.unwrap();
        assert_eq!(chunk.bytes()[4..8], *b"styp");
        // A further reload neither ends nor prolongs it.
        library.reload(now + LATER / 2).unwrap();
        assert!(matches!(
            find_at(&library, &last, now + LATER - Duration::from_secs(1)),
            Lookup::Hit(_)
        ));
    });
    for path in [first, last] {
        // Gone, even though the cache still holds it.
        assert!(gone(find_at(&library, &path, now + LATER)), "{path}");
    }
    library.reload(now + LATER * 2).unwrap();
    assert_eq!(library.catalogue().past.kept(), 0);
    let never = format!("/media/so/mat-khau/240p/{}/1.m4s", "0".repeat(32));
    assert!(matches!(find(&library, &never), Lookup::NotFound));
}

#[test]
fn bytes_overwritten_in_place_are_gone_at_once_and_never_mixed() {
    let dir = folder();
    let library = open(dir.path());
    let (watched, cold) = (segment(&library, 0), segment(&library, 1));
    let now = runtime::now();
    runtime::block_on(async {
        let first = fetch(&library, &watched).await;
        let video = dir.path().join("so/01-mat-khau/video-240p.mp4");
        fs::copy(dir.path().join("so/01-mat-khau/video-360p.mp4"), &video).unwrap();
        // Before the reload: what is not in memory is refused, not mixed.
        let Lookup::Miss(building) = find(&library, &cold) else {
            panic!("not cold");
        };
        assert!(matches!(building.await, Err(LoadError::Changed { .. })));
        library.reload(now).unwrap();
        let Lookup::Hit(again) = find_at(&library, &watched, now) else {
            panic!("forgotten");
        };
        assert!(Arc::ptr_eq(&first, &again));
    });
    assert!(gone(find_at(&library, &cold, now)));
}

#[test]
fn a_removed_lesson_leaves_the_catalogue_at_once_and_its_viewers_in_peace() {
    let dir = folder();
    let library = open(dir.path());
    let path = segment(&library, 0);
    let quiz = library.catalogue().course("so").unwrap().quizzes[0].clone();
    let quiz = format!("/quiz/so/{}/{}.json", quiz.id, quiz.version);
    let now = runtime::now();
    let away = dir.path().join("khac");
    fs::rename(dir.path().join("so"), &away).unwrap();
    fs::write(away.join("course.toml"), "title = \"Khác\"\n").unwrap();
    library.reload(now).unwrap();
    assert!(library.catalogue().course("so").is_none());
    assert!(library.catalogue().course("khac").is_some());
    let master = "/media/so/mat-khau/master.m3u8";
    assert!(matches!(find_at(&library, master, now), Lookup::NotFound));
    // The quiz lies in memory; the recording's path is no more, and nobody had it open.
    assert!(matches!(find_at(&library, &quiz, now), Lookup::Miss(_)));
    assert!(gone(find_at(&library, &path, now)));
    assert!(!matches!(
        find_at(&library, &quiz, now + LATER),
        Lookup::Hit(_) | Lookup::Miss(_)
    ));
}

#[test]
fn a_file_that_shrinks_while_it_is_served_is_an_error_not_a_short_segment() {
    let dir = folder();
    let library = open(dir.path());
    let paths: Vec<String> = (0..4).map(|n| segment(&library, n)).collect();
    let video = dir.path().join("so/01-mat-khau/video-240p.mp4");
    let whole = fs::metadata(&video).unwrap().len();
    runtime::block_on(async {
        fetch(&library, &paths[0]).await;
        for (path, len) in paths[1..].iter().zip([whole - 1, whole / 2, 0]) {
            let file = fs::OpenOptions::new().write(true).open(&video).unwrap();
            file.set_len(len).unwrap();
            let Lookup::Miss(building) = find(&library, path) else {
                panic!("not cold");
            };
            let outcome = building.await;
            assert!(matches!(outcome, Err(LoadError::Changed { .. })), "{len}");
        }
    });
}

/// A server's content and data directories.
struct Node {
    dir: TempDir,
    data: TempDir,
}

impl Node {
    fn new() -> Self {
        let (dir, data) = (folder(), tempfile::tempdir().unwrap());
        age(dir.path());
        Self { dir, data }
    }

    /// Starts as the server does.
    fn start(&self) -> Arc<Library> {
        let config = Config {
            dir: self.dir.path().to_owned(),
            ..Config::default()
        };
        let sources = Sources {
            index: Some(self.data.path().join("content.index")),
            pins: Some(self.data.path().join("pins")),
            progress: &(),
        };
        let library = Library::open_with(config, sources).unwrap();
        library.pin();
        library.save_index().unwrap();
        library
    }

    fn pins(&self) -> usize {
        fs::read_dir(self.data.path().join("pins")).unwrap().count()
    }
}

/// Puts other captions in place, with a rename.
fn rewrite(dir: &TempDir) {
    let lesson = dir.path().join("so/01-mat-khau");
    let text = "WEBVTT\n\n00:01.000 --> 00:02.000\nKhác\n";
    fs::write(lesson.join(".new"), text).unwrap();
    fs::rename(lesson.join(".new"), lesson.join("captions.vi.vtt")).unwrap();
}

/// Every kind of versioned URL of the lesson as it is now.
fn urls(library: &Arc<Library>) -> Vec<String> {
    let playlist = "/media/so/mat-khau/subs/vi/playlist.m3u8";
    let playlist = runtime::block_on(text(library, playlist));
    let caption = playlist
        .lines()
        .find(|line| line.ends_with(".vtt"))
        .unwrap();
    let caption = format!("/media/so/mat-khau/subs/vi/{caption}");
    let quiz = library.catalogue().course("so").unwrap().quizzes[0].clone();
    let quiz = format!("/quiz/so/{}/{}.json", quiz.id, quiz.version);
    let segment = segment(library, 2);
    let slide = segment.replace("/2.m4s", "/slides/1.m4s");
    vec![segment, slide, caption, quiz]
}

fn bytes(library: &Arc<Library>, urls: &[String]) -> Vec<Vec<u8>> {
    let bytes = urls.iter().map(|url| {
        let chunk = runtime::block_on(fetch(library, url));
        chunk.bytes().to_vec()
    });
    bytes.collect()
}

#[test]
fn what_nobody_ever_read_is_replaced_and_stays_for_who_has_its_playlist() {
    let node = Node::new();
    let wanted = {
        let library = open(node.dir.path());
        bytes(&library, &urls(&library))
    };
    let library = node.start();
    assert_eq!(node.pins(), 3, "two recordings and captions");
    let (urls, now) = (urls(&library), runtime::now());
    // A download of the former recording has begun.
    let Lookup::File(source) = find(&library, "/media/so/mat-khau/source/240p.mp4") else {
        panic!("no source");
    };
    replace(&node.dir);
    rewrite(&node.dir);
    let quiz = node.dir.path().join("so/01-mat-khau/quiz.toml");
    let other = fs::read_to_string(&quiz).unwrap().replace("12", "13");
    fs::write(&quiz, other).unwrap();
    library.reload(now).unwrap();
    assert_ne!(self::urls(&library), urls);
    assert_eq!(node.pins(), 5);
    assert_eq!(bytes(&library, &urls), wanted);
    let mut piece = [0; 4];
    let pinned = source.disk.open_or_pinned(source.pins.as_ref()).unwrap();
    source.disk.read(&pinned, &mut piece, 4).unwrap();
    assert_eq!(&piece, b"ftyp");
    // Its time over, it is gone, and so are the bytes.
    for url in &urls {
        assert!(gone(find_at(&library, url, now + LATER)), "{url}");
    }
    library.reload(now + LATER).unwrap();
    assert_eq!(node.pins(), 3);
}

#[test]
fn a_restart_forgets_neither_what_was_replaced_nor_for_how_long() {
    let node = Node::new();
    let (first, old, wanted) = {
        let library = node.start();
        let urls = urls(&library);
        (library, urls.clone(), urls)
    };
    let wanted = bytes(&open(node.dir.path()), &wanted);
    drop(first);
    // While no process ran.
    replace(&node.dir);
    rewrite(&node.dir);
    let before = runtime::now();
    let library = node.start();
    assert_eq!(bytes(&library, &old), wanted);
    assert_eq!(node.pins(), 5);
    drop(library);
    // And once more, in another process, which reads nothing new.
    let library = node.start();
    let after = runtime::now();
    assert_eq!(bytes(&library, &old), wanted);
    assert_eq!(node.pins(), 5);
    for url in &old[..3] {
        let last = find_at(&library, url, before + LATER - Duration::from_secs(2));
        assert!(matches!(last, Lookup::Hit(_)), "{url}: {last:?}");
        assert!(gone(find_at(&library, url, after + LATER)), "{url}");
    }
    library.reload(after + LATER).unwrap();
    library.save_index().unwrap();
    drop(library);
    let library = node.start();
    assert_eq!(node.pins(), 3, "nothing is left of it");
    for url in &old[..3] {
        assert!(matches!(find(&library, url), Lookup::Gone), "{url}");
    }
}

#[test]
fn a_lesson_removed_with_its_folder_plays_on() {
    let node = Node::new();
    let library = node.start();
    let (urls, now) = (urls(&library), runtime::now());
    let wanted = bytes(&open(node.dir.path()), &urls);
    fs::create_dir_all(node.dir.path().join("khac")).unwrap();
    fs::write(
        node.dir.path().join("khac/course.toml"),
        "title = \"Khác\"\n",
    )
    .unwrap();
    fs::remove_dir_all(node.dir.path().join("so")).unwrap();
    library.reload(now).unwrap();
    assert!(library.catalogue().course("so").is_none());
    assert_eq!(bytes(&library, &urls), wanted);
    assert!(gone(find_at(&library, &urls[0], now + LATER)));
    library.reload(now + LATER).unwrap();
    assert_eq!(node.pins(), 0);
}
