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
    ("drivers", &["quic", "tcp", "store", "content"]),
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

#[test]
fn tidy() {
    let mut errors = Vec::new();
    for path in rust_files(Path::new("src")) {
        check_file(&path, &fs::read_to_string(&path).unwrap(), &mut errors);
    }
    for path in rust_files(Path::new("loadtest/src")) {
        check_generator(&path, &fs::read_to_string(&path).unwrap(), &mut errors);
    }
    assert!(errors.is_empty(), "\n{}", errors.join("\n"));
}

fn check_generator(path: &Path, text: &str, errors: &mut Vec<String>) {
    let shown = path.display();
    if text.lines().count() > FILE_LINES_MAX {
        errors.push(format!("{shown}: longer than {FILE_LINES_MAX} lines"));
    }
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
    if text.lines().count() > FILE_LINES_MAX {
        errors.push(format!("{shown}: longer than {FILE_LINES_MAX} lines"));
    }
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
    let entries = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let nested = entries.flat_map(|p| if p.is_dir() { rust_files(&p) } else { vec![p] });
    nested
        .filter(|p| p.extension().is_some_and(|e| e == "rs"))
        .collect()
}
