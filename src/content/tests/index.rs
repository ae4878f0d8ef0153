//! The content index: a start that remembers, and never believes what it should not.

use crate::base::digest::Digest;
use crate::base::units::Span;
use crate::content::Config;
use crate::content::Library;
use crate::content::Sources;
use crate::content::sidecar::INDEX_REVISION;
use crate::content::sidecar::Sidecar;
use crate::content::sidecar::Told;
use crate::content::stand::Stand;
use crate::content::tests::age;
use crate::content::tests::bundled;
use crate::content::tests::fetch;
use crate::content::tests::folder;
use crate::content::tests::open;
use crate::content::tests::text;
use crate::media::PACKAGING_REVISION;
use crate::runtime;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

fn config(dir: &TempDir) -> Config {
    Config {
        dir: dir.path().to_owned(),
        ..Config::default()
    }
}

fn start(config: Config, index: &Path) -> Arc<Library> {
    let sources = Sources {
        index: Some(index.to_owned()),
        pins: None,
        progress: &(),
    };
    Library::open_with(config, sources).unwrap()
}

/// A content folder, and the index that a first start made of it.
fn indexed() -> (TempDir, TempDir, PathBuf) {
    let (dir, data) = (folder(), tempfile::tempdir().unwrap());
    fs::write(dir.path().join("so/01-mat-khau/hong.html"), "không").unwrap();
    fs::write(dir.path().join("so/01-mat-khau/tai-lieu.txt"), "xin chào").unwrap();
    age(dir.path());
    let index = data.path().join("content.index");
    let library = start(config(&dir), &index);
    assert!(library.save_index().unwrap().unwrap() > 1000);
    assert_eq!(library.save_index().unwrap(), None, "saved twice");
    (dir, data, index)
}

/// Whether a start with that index had to read anything, and what it serves is what a start
/// without one does.
fn reads(config: Config, index: &Path) -> bool {
    let plain = open(&config.dir);
    let library = start(config, index);
    assert_eq!(library.catalogue().courses(), plain.catalogue().courses());
    assert_eq!(library.catalogue().problems(), plain.catalogue().problems());
    library.save_index().unwrap().is_some()
}

#[test]
fn a_second_start_reads_no_file_and_serves_the_same() {
    let (dir, _data, index) = indexed();
    let mode = fs::metadata(&index).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it holds answers");
    assert!(!reads(config(&dir), &index));
    let (plain, library) = (open(dir.path()), start(config(&dir), &index));
    let catalogue = library.catalogue();
    let course = catalogue.course("so").unwrap();
    assert!(!catalogue.problems().is_empty());
    runtime::block_on(async {
        for rendition in &course.lessons[0].renditions {
            let path = format!(
                "/media/so/mat-khau/{}/{}/0.m4s",
                rendition.track, rendition.version
            );
            let (one, other) = (fetch(&library, &path).await, fetch(&plain, &path).await);
            assert_eq!(one.bytes(), other.bytes());
        }
        let note = text(&library, "/files/so/01-mat-khau/tai-lieu.txt").await;
        assert_eq!(note, "xin chào");
        let quiz = &course.quizzes[0];
        let path = format!("/quiz/so/{}/{}.json", quiz.id, quiz.version);
        assert_eq!(text(&library, &path).await, text(&plain, &path).await);
        let key = catalogue.quiz_key("so", quiz.id.as_str()).unwrap();
        assert_eq!(key.len(), quiz.items as usize);
    });
}

#[test]
fn whatever_changed_since_is_read_again() {
    let (dir, _data, index) = indexed();
    let lesson = dir.path().join("so/01-mat-khau");
    fs::write(
        lesson.join("captions.vi.vtt"),
        "WEBVTT\n\n00:01.000 --> 00:02.000\nA\n",
    )
    .unwrap();
    age(dir.path());
    assert!(reads(config(&dir), &index), "another length");
    assert!(!reads(config(&dir), &index), "and known from then on");
    // The same name, length and time: the inode tells.
    let captions = lesson.join("captions.vi.vtt");
    let time = fs::metadata(&captions).unwrap().modified().unwrap();
    let other = fs::read_to_string(&captions).unwrap().replace('A', "B");
    fs::write(lesson.join(".new"), other).unwrap();
    let new = fs::OpenOptions::new()
        .write(true)
        .open(lesson.join(".new"))
        .unwrap();
    new.set_modified(time).unwrap();
    fs::rename(lesson.join(".new"), &captions).unwrap();
    age(dir.path());
    assert!(reads(config(&dir), &index), "another inode");
    fs::remove_file(lesson.join("hong.html")).unwrap();
    assert!(reads(config(&dir), &index), "a file less");
}

#[test]
fn what_was_written_a_moment_ago_is_not_believed() {
    let (dir, _data, index) = indexed();
    fs::write(dir.path().join("so/01-mat-khau/tai-lieu.txt"), "xin chào!").unwrap();
    assert!(reads(config(&dir), &index));
    assert!(
        reads(config(&dir), &index),
        "it may have changed within one tick of its clock"
    );
}

#[test]
fn an_index_made_with_other_settings_or_for_another_folder_is_not_used() {
    let (dir, _data, index) = indexed();
    let other = Config {
        segment: Span::secs(6),
        ..config(&dir)
    };
    let library = start(other, &index);
    assert!(library.save_index().unwrap().is_some());
    // The copy has the same names, lengths and times.
    assert!(reads(config(&dir), &index));
}

#[test]
fn a_damaged_index_is_ignored_wherever_the_damage_is() {
    let (dir, _data, index) = indexed();
    let good = fs::read(&index).unwrap();
    // Magic, maker, length and digest of the record, and what it says.
    let places = [0, 7, 8, 23, 24, 27, 28, 43, 44, 45];
    let places = places
        .into_iter()
        .chain((46..good.len()).step_by(good.len() / 8));
    for at in places {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        fs::write(&index, bad).unwrap();
        assert!(reads(config(&dir), &index), "byte {at}");
        fs::write(&index, &good[..at]).unwrap();
        assert!(reads(config(&dir), &index), "cut at {at}");
    }
    let mut long = good;
    long.extend([0xff; 100]);
    fs::write(&index, long).unwrap();
    assert!(!reads(config(&dir), &index), "the whole part is good");
    fs::remove_file(&index).unwrap();
    assert!(reads(config(&dir), &index), "deleted");
    assert!(!reads(config(&dir), &index), "and made anew");
}

#[test]
fn a_directory_that_cannot_be_written_costs_the_index_and_nothing_else() {
    let (dir, data, _index) = indexed();
    let library = start(config(&dir), &data.path().join("absent/content.index"));
    assert!(library.save_index().is_err());
    assert_eq!(library.catalogue().courses().len(), 1);
}

#[test]
fn what_another_build_read_is_served_at_once_and_read_again_behind_that() {
    let (dir, _data, index) = indexed();
    let root = fs::canonicalize(dir.path()).unwrap();
    let sidecar = Sidecar::new(index.clone(), &root, config(&dir).target_ms());
    let mut told = Told::default();
    sidecar.read(&mut told, 1).unwrap();
    let stands = told.stands.into_values().map(|mut stand| {
        let other = Arc::get_mut(&mut stand).unwrap();
        other.read_by = Digest::of(&[b"another build"]);
        stand
    });
    sidecar.write(&stands.collect::<Vec<_>>(), &[]).unwrap();
    assert!(!reads(config(&dir), &index), "it costs the start nothing");
    let library = start(config(&dir), &index);
    let before = library.catalogue();
    let mut renewed = Vec::new();
    for _look in 0..2 {
        let looked = library.look(runtime::now(), u64::MAX).unwrap();
        assert_eq!((looked.read, looked.waiting), (0, 0));
        renewed.push(looked.renewed);
    }
    assert_eq!(renewed, [1, 0]);
    let after = library.catalogue();
    assert_eq!((after.courses(), after.past.kept()), (before.courses(), 0));
    assert!(library.save_index().unwrap().is_some());
    let library = start(config(&dir), &index);
    let looked = library.look(runtime::now(), u64::MAX).unwrap();
    assert_eq!(looked.renewed, 0, "and remembered");
}

/// Takes out what differs from checkout to checkout: places, times and what is made of them.
fn blank(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match name.as_str() {
                    "path" => *member = Value::from("/"),
                    "inode" | "modified_ns" | "modified_unix_s" => *member = Value::from(0),
                    "fingerprint" | "read_by" | "id" | "hash" if member.is_array() => {
                        *member = serde_json::to_value([0; 16]).unwrap();
                    }
                    "was_fresh" => *member = Value::from(false),
                    _ => blank(member),
                }
            }
        }
        Value::Array(members) => members.iter_mut().for_each(blank),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// An index is used by later builds. If this test fails, what a record holds has changed, or what
/// the same files come to: raise `INDEX_REVISION` (or `PACKAGING_REVISION`, where the bytes of
/// segments, playlists or manifests differ) and write the new digest here.
#[test]
fn what_the_index_holds_changes_only_with_its_revision() {
    let library = bundled();
    let catalogue = library.catalogue();
    let mut records = Vec::new();
    for stand in &catalogue.stands {
        let mut value = serde_json::to_value(&**stand).unwrap();
        blank(&mut value);
        let stand: Stand = serde_json::from_value(value).unwrap();
        records.extend(postcard::to_stdvec(&stand).unwrap());
    }
    let revisions = (INDEX_REVISION, PACKAGING_REVISION);
    let digest = Digest::of(&[&records]).to_string();
    assert_eq!(
        (revisions, digest.as_str()),
        ((2, 6), "6a49c354875d327a455989b50311fea0")
    );
}
