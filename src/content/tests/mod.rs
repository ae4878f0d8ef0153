//! Tests over folders on disk, the bundled course among them.

mod hostile;
mod index;
mod papers;
mod reading;
mod replaced;
mod serving;
mod watched;

use crate::content::Chunk;
use crate::content::Config;
use crate::content::Library;
use crate::content::Lookup;
use crate::content::Path;
use crate::content::check;
use crate::runtime;
use std::fs;
use std::path;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use tempfile::TempDir;

pub(super) fn open(dir: &path::Path) -> Arc<Library> {
    let config = Config {
        dir: dir.to_owned(),
        ..Config::default()
    };
    Library::open(config).unwrap()
}

pub(super) fn bundled() -> Arc<Library> {
    open(&path::Path::new(env!("CARGO_MANIFEST_DIR")).join("content"))
}

pub(super) fn find(library: &Arc<Library>, path: &str) -> Lookup {
    find_at(library, path, runtime::now())
}

pub(super) fn find_at(library: &Arc<Library>, path: &str, now: Instant) -> Lookup {
    let parsed = Path::parse(path).unwrap_or_else(|| panic!("{path} is no path"));
    library.find(&parsed, now)
}

pub(super) async fn fetch(library: &Arc<Library>, path: &str) -> Arc<Chunk> {
    match find(library, path) {
        Lookup::Hit(chunk) => chunk,
        Lookup::Miss(building) => building.await.unwrap(),
        other @ (Lookup::File(_) | Lookup::Gone | Lookup::NotFound) => panic!("{path}: {other:?}"),
    }
}

pub(super) async fn text(library: &Arc<Library>, path: &str) -> String {
    String::from_utf8(fetch(library, path).await.bytes().to_vec()).unwrap()
}

/// A content folder with one course of one lesson, made of the bundled one.
pub(super) fn folder() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let from = path::Path::new(env!("CARGO_MANIFEST_DIR")).join("content/ky-nang-so");
    let lesson = dir.path().join("so/01-mat-khau");
    fs::create_dir_all(&lesson).unwrap();
    fs::copy(from.join("course.toml"), dir.path().join("so/course.toml")).unwrap();
    let toml = fs::read_to_string(from.join("course.toml")).unwrap();
    let toml = toml.replace("id = \"ky-nang-so\"", "id = \"so\"");
    fs::write(dir.path().join("so/course.toml"), toml).unwrap();
    for name in [
        "quiz.toml",
        "video-240p.mp4",
        "video-360p.mp4",
        "captions.vi.vtt",
    ] {
        fs::copy(from.join("01-mat-khau").join(name), lesson.join(name)).unwrap();
    }
    dir
}

pub(super) fn problems(dir: &TempDir) -> Vec<String> {
    let problems = check(dir.path(), &()).unwrap().problems;
    problems.iter().map(ToString::to_string).collect()
}

/// Makes everything in the folder an hour old, so that nothing is waited for.
pub(super) fn age(dir: &path::Path) {
    let before = std::time::SystemTime::UNIX_EPOCH + Duration::from_millis(runtime::unix_ms());
    let before = before - Duration::from_secs(3600);
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            age(&path);
        }
        fs::File::open(&path).unwrap().set_modified(before).unwrap();
    }
}
