//! The page's files as they lie in the tree: small, self-contained, complete in both languages.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a tree that cannot be read fails the test"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn files() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/service/page");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn file(name: &str) -> String {
    let found = files().into_iter().find(|(n, _)| n == name);
    found.expect("the file is in the folder").1
}

/// The part of i18n.js between `  {language}: {` and its closing brace.
fn texts(script: &str, language: &str) -> String {
    let opening = format!("\n  {language}: {{");
    let (_, rest) = script.split_once(&opening).expect("the language is there");
    rest.split_once("\n  },").unwrap().0.to_owned()
}

fn keys(texts: &str) -> BTreeSet<String> {
    let keys = texts
        .lines()
        .filter_map(|line| line.trim().split_once(": \""));
    keys.map(|(key, _)| key.to_owned()).collect()
}

#[test]
fn a_learner_on_a_slow_line_fetches_less_than_60_kilobytes() {
    let mut total = 0;
    for (name, text) in files() {
        let mut packed = Vec::new();
        let params = brotli::enc::BrotliEncoderParams {
            quality: 11,
            ..Default::default()
        };
        brotli::BrotliCompress(&mut text.as_bytes(), &mut packed, &params).unwrap();
        println!("{name}: {} bytes, {} packed", text.len(), packed.len());
        total += packed.len();
    }
    println!("together {total} bytes packed");
    assert!(total < 60_000, "{total} bytes");
}

#[test]
fn nothing_is_inline_and_nothing_comes_from_elsewhere() {
    for (name, text) in files() {
        let strangers = text.replace("http://www.w3.org/2000/svg", "");
        assert!(!strangers.contains("://"), "{name} names another host");
        for forbidden in [
            "<style",
            " style=",
            "onclick=",
            "javascript:",
            "innerHTML",
            "eval(",
        ] {
            assert!(
                !text.contains(forbidden),
                "{name}: `{forbidden}` breaks the policy"
            );
        }
    }
    let index = file("index.html");
    for (name, _) in files().iter().filter(|(n, _)| n != "index.html") {
        assert!(
            index.contains(&format!("/page/{name}\"")),
            "index.html does not load {name} early"
        );
    }
}

#[test]
fn no_text_is_missing_in_a_language_and_none_is_unused() {
    let script = file("i18n.js");
    let (vi, en) = (texts(&script, "vi"), texts(&script, "en"));
    assert_eq!(keys(&vi), keys(&en));
    let code: String = files()
        .into_iter()
        .filter(|(name, _)| name.ends_with(".js") && name != "i18n.js")
        .map(|(_, text)| text)
        .collect();
    for key in keys(&vi) {
        // Menus and facts name their text by a bare word, kinds of items and of problems by a part.
        let named = ["kind_", "why_"].iter().any(|part| key.starts_with(part));
        let used = named || code.contains(&format!("\"{key}\""));
        assert!(used, "`{key}` is not used");
    }
    for (at, call) in code.match_indices("t(\"") {
        let inside_a_word = code[..at].ends_with(|c: char| c.is_alphanumeric());
        let key = code[at + call.len()..].split('"').next().unwrap();
        assert!(
            inside_a_word || keys(&vi).contains(key),
            "`{key}` has no text"
        );
    }
}

#[test]
fn both_languages_fill_in_the_same_values() {
    let script = file("i18n.js");
    let (vi, en) = (texts(&script, "vi"), texts(&script, "en"));
    for key in keys(&vi) {
        assert_eq!(slots(&vi, &key), slots(&en, &key), "`{key}`");
    }
}

fn slots(texts: &str, key: &str) -> BTreeSet<String> {
    let start = format!("{key}: \"");
    let line = texts
        .lines()
        .find(|l| l.trim().starts_with(&start))
        .unwrap();
    let slots = line.split('{').skip(1).filter_map(|s| s.split_once('}'));
    slots.map(|(name, _)| name.to_owned()).collect()
}
