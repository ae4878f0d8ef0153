//! Non-functional rules of the source tree, checked by `cargo test`.
//!
//! Goal: the layering in ARCHITECTURE.md cannot rot, because it is written down once, here.
//! Method: read every file under `src/`, collect `crate::<module>` paths, compare ranks.

#![expect(
    clippy::unwrap_used,
    reason = "a source tree that cannot be read fails the test"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Layers from the bottom up. A module may import modules of *lower* layers only.
const LAYERS: &[(&str, &[&str])] = &[
    ("vocabulary", &["base"]),
    ("semantics", &["http", "course", "identity"]),
    (
        "rules",
        &[
            "media",
            "quiz",
            "progress",
            "engagement",
            "supervision",
            "program",
            "credential",
        ],
    ),
    ("cores", &["session", "h3"]),
    ("runtime", &["runtime"]),
    ("drivers", &["quic", "tcp", "store", "content", "issuers"]),
    ("residents", &["shards"]),
    ("edges", &["service"]),
    ("assembly", &["config"]),
    ("process", &["server", "command"]),
];
/// Layers whose files may not name these crates: the sans-I/O promise.
const PURE: &[&str] = &["vocabulary", "semantics", "rules", "cores"];
const IMPURE_TOKENS: &[&str] = &[
    "tokio::",
    "hyper::",
    "quinn::",
    "redis::",
    "std::net::Udp",
    "std::net::Tcp",
    "std::fs",
    "std::thread",
    "Instant::now",
    "SystemTime::now",
    "rand::rng",
];
/// Rooms the load generator may import: it must not know the answers.
const LOADTEST_ROOMS: &[&str] = &["base", "http", "h3", "quic", "runtime"];
const FILE_LINES_MAX: usize = 500;
const LINE_COLUMNS_MAX: usize = 100;

/// Folders of code, and those of everything that is written by hand.
const CODE: &[&str] = &["src", "tests", "benches", "fuzz", "loadtest"];
const WRITTEN: &[&str] = &[
    "src", "tests", "benches", "fuzz", "loadtest", "docs", "scripts", "config",
];
/// Where `unsafe` may stand.
const UNSAFE_FILE: &str = "src/quic/socket.rs";
const MOD_LINES_MAX: usize = 120;
/// Places of somebody's machine that nobody else has.
const FOREIGN_PLACES: &[&str] = &[
    concat!("/", "work/"),
    concat!("/", "tmp/"),
    concat!("/", "root/"),
    concat!("/", "home/"),
    concat!("../", "shared"),
];

#[test]
fn tidy() {
    let mut errors = Vec::new();
    for path in rust_files(Path::new("src")) {
        check_file(&path, &fs::read_to_string(&path).unwrap(), &mut errors);
    }
    for path in rust_files(Path::new("loadtest/src")) {
        check_generator(&path, &fs::read_to_string(&path).unwrap(), &mut errors);
    }
    for path in CODE.iter().flat_map(|dir| rust_files(Path::new(dir))) {
        check_shape(&path, &fs::read_to_string(&path).unwrap(), &mut errors);
    }
    let hidden = |path: &PathBuf| path.starts_with("./.git");
    let loose = files(Path::new("."), false)
        .into_iter()
        .filter(|path| !hidden(path));
    for path in WRITTEN
        .iter()
        .flat_map(|dir| files(Path::new(dir), true))
        .chain(loose)
    {
        // What is not text was not written by hand.
        if let Ok(text) = fs::read_to_string(&path) {
            check_places(&path, &text, &mut errors);
        }
    }
    assert!(errors.is_empty(), "\n{}", errors.join("\n"));
}

/// Length of files, width of comments (rustfmt minds the code's), and where `unsafe` stands.
fn check_shape(path: &Path, text: &str, errors: &mut Vec<String>) {
    let shown = path.display();
    let lines = text.lines().count();
    let tests = path.parent().is_some_and(|p| p.ends_with("tests"));
    let is_mod = path.file_name().is_some_and(|name| name == "mod.rs") && !tests;
    let lines_max = if is_mod && path.starts_with("src") {
        MOD_LINES_MAX
    } else {
        FILE_LINES_MAX
    };
    if lines > lines_max {
        errors.push(format!("{shown}: {lines} lines, {lines_max} at most"));
    }
    for (index, line) in text.lines().enumerate() {
        let at = format!("{shown}:{}", index + 1);
        let comment = line.trim_start().starts_with("//") && !line.contains("https://");
        if comment && line.chars().count() > LINE_COLUMNS_MAX {
            errors.push(format!("{at}: wider than {LINE_COLUMNS_MAX} columns"));
        }
        let code = line.split("//").next().unwrap_or("");
        let words = [
            concat!("unsafe", " {"),
            concat!("unsafe", "_code"),
            concat!("unsafe", " fn"),
        ];
        let is_unsafe = words.iter().any(|word| code.contains(word));
        if is_unsafe && path != Path::new(UNSAFE_FILE) {
            errors.push(format!("{at}: `unsafe` belongs into {UNSAFE_FILE} alone"));
        }
    }
}

fn check_places(path: &Path, text: &str, errors: &mut Vec<String>) {
    for (index, line) in text.lines().enumerate() {
        if let Some(place) = FOREIGN_PLACES.iter().find(|place| line.contains(**place)) {
            let at = format!("{}:{}", path.display(), index + 1);
            errors.push(format!("{at}: `{place}` is a place of somebody's machine"));
        }
    }
}

fn check_generator(path: &Path, text: &str, errors: &mut Vec<String>) {
    let shown = path.display();
    for (index, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or("");
        let foreign = paths_after(code, "lamplight::").find(|room| !LOADTEST_ROOMS.contains(room));
        if let Some(room) = foreign {
            let at = format!("{shown}:{}", index + 1);
            errors.push(format!("{at}: the load generator imports `{room}`"));
        }
    }
}

fn check_file(path: &Path, text: &str, errors: &mut Vec<String>) {
    let shown = path.display();
    let Some(module) = path.iter().nth(1).and_then(|m| m.to_str()) else {
        return;
    };
    let Some(&(rank, layer)) = ranks().get(module.trim_end_matches(".rs")) else {
        if !["lib.rs", "main.rs"].contains(&module) {
            errors.push(format!(
                "{shown}: module `{module}` has no layer in tests/tidy.rs"
            ));
        }
        return;
    };
    for (index, line) in text.lines().enumerate() {
        let at = format!("{shown}:{}", index + 1);
        if line.chars().count() > LINE_COLUMNS_MAX && !line.contains("https://") {
            errors.push(format!("{at}: wider than {LINE_COLUMNS_MAX} columns"));
        }
        let code = line.split("//").next().unwrap_or("");
        let top = path.file_name().is_some_and(|f| f == "mod.rs") || path.iter().count() == 2;
        let climbs = if top { "super::" } else { "super::super::" };
        let hides = |h: &str| code.contains(h) && !code.contains("use super::*");
        for hidden in ["crate::{", climbs].into_iter().filter(|h| hides(h)) {
            errors.push(format!(
                "{at}: `{hidden}` hides a dependency; write `crate::module::Item`"
            ));
        }
        if PURE.contains(&layer) && code.contains("use std::{") {
            errors.push(format!(
                "{at}: grouped std import in pure layer `{layer}`; name each path"
            ));
        }
        for target in crate_paths(code) {
            let Some(&(other, name)) = ranks().get(target) else {
                continue;
            };
            if target != module && other >= rank {
                errors.push(format!(
                    "{at}: `{module}` ({layer}) imports `{target}` ({name})"
                ));
            }
        }
        if PURE.contains(&layer) {
            for token in IMPURE_TOKENS.iter().filter(|t| code.contains(**t)) {
                errors.push(format!("{at}: `{token}` in pure layer `{layer}`"));
            }
        }
    }
}

fn crate_paths(code: &str) -> impl Iterator<Item = &str> {
    paths_after(code, "crate::")
}

/// First names after each `prefix`.
fn paths_after<'a>(code: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    code.match_indices(prefix).map(|(at, p)| {
        let rest = &code[at + p.len()..];
        &rest[..rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len())]
    })
}

fn ranks() -> BTreeMap<&'static str, (usize, &'static str)> {
    let layers = LAYERS.iter().enumerate();
    layers
        .flat_map(|(rank, (name, ms))| ms.iter().map(move |m| (*m, (rank, *name))))
        .collect()
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let all = files(dir, true).into_iter();
    all.filter(|p| p.extension().is_some_and(|e| e == "rs"))
        .collect()
}

/// The files in `dir`, and with `deep` those of its folders.
fn files(dir: &Path, deep: bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let nested = entries.flat_map(|p| match p.is_dir() {
        true if deep => files(&p, true),
        true => Vec::new(),
        false => vec![p],
    });
    nested.collect()
}
