//! `lamplight doctor` against our own server, which it must find healthy, and against one that
//! breaks every rule, of which it must name each.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "doctor/quack.rs"]
mod quack;
mod support;

use quack::Quack;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::process::Output;
use support::Running;

const CDNS: [&str; 5] = ["akamai", "varnish", "nginx", "cloudfront", "fastly"];

fn doctor(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lamplight"));
    command.arg("doctor").args(arguments).output().unwrap()
}

/// The findings of `--json`, with the given verdict: rule and reason.
fn findings(output: &Output, verdict: &str) -> Vec<(String, String)> {
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    });
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    let all = report["findings"].as_array().unwrap().iter();
    let of = all.filter(|finding| finding["verdict"] == verdict);
    of.map(|finding| {
        assert!(!text(finding, "source").is_empty() && !text(finding, "path").is_empty());
        (text(finding, "rule"), text(finding, "reason"))
    })
    .collect()
}

fn rules(findings: &[(String, String)]) -> BTreeSet<&str> {
    findings.iter().map(|(rule, _)| rule.as_str()).collect()
}

fn certificate(server: &Running, folder: &Path) -> String {
    let file = folder.join("origin.pem");
    let encoded = data_encoding::BASE64.encode(&server.certificate());
    let pem = format!("-----BEGIN CERTIFICATE-----\n{encoded}\n-----END CERTIFICATE-----\n");
    std::fs::write(&file, pem).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn our_own_server_keeps_the_rules_of_every_network() {
    let server = Running::start();
    server.wait_ready();
    let ca = certificate(&server, server.data.path());
    for cdn in CDNS {
        let output = doctor(&["--cdn", cdn, "--ca", &ca, "--json", &server.url("")]);
        assert_eq!(findings(&output, "fail"), [], "{cdn}");
        assert_eq!(output.status.code(), Some(0), "{cdn}");
        // Every rule was asked, of several kinds of resources.
        let passed = findings(&output, "pass");
        for rule in [
            "tls",
            "http2",
            "keep-alive",
            "date",
            "status",
            "age-absent",
            "content-length",
            "strong-etag",
            "no-set-cookie",
            "vary",
            "cacheable",
            "head-size",
            "conditional",
            "head",
            "codings",
            "same-bytes",
            "query",
            "ranges",
            "if-range",
            "unsatisfiable",
            "slices",
            "errors",
        ] {
            assert!(rules(&passed).contains(rule), "{cdn} {rule}");
        }
        if ["akamai", "fastly", "varnish"].contains(&cdn) {
            assert!(rules(&passed).contains("tags"), "{cdn}");
        }
        let tags = passed
            .iter()
            .filter(|(rule, _)| rule == "strong-etag")
            .count();
        assert!(tags >= 9, "{cdn}: {tags} resources");
    }
}

#[test]
fn an_edge_without_tls_finds_the_same_on_the_plain_listener() {
    let server = Running::with(|config| {
        config.tcp.plain_listen = vec!["127.0.0.1:0".parse().unwrap()];
    });
    server.wait_ready();
    let plain = server.server().plain_addresses()[0];
    let output = doctor(&["--cdn", "varnish", "--json", &format!("http://{plain}")]);
    assert_eq!(findings(&output, "fail"), []);
    assert_eq!(output.status.code(), Some(0));
    assert!(rules(&findings(&output, "warn")).contains("tls"));
    let passed = findings(&output, "pass");
    assert!(rules(&passed).contains("slices") && !rules(&passed).contains("http2"));
}

#[test]
fn an_hour_of_recording_is_asked_for_in_slices_and_never_whole() {
    let content = tempfile::tempdir().unwrap();
    let folder = content.path().join("dai/phim");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(content.path().join("dai/course.toml"), "title = \"Dài\"\n").unwrap();
    // More than is asked for at once.
    let bytes: Vec<u8> = (0..20_u32 << 18).flat_map(u32::to_le_bytes).collect();
    std::fs::write(folder.join("dai.mp4"), bytes).unwrap();
    let server = Running::with(|config| config.content.dir = content.path().to_owned());
    server.wait_ready();
    let url = server.url("/files/dai/phim/dai.mp4");
    let output = doctor(&["--cdn", "nginx", "--insecure", "--json", &url]);
    assert_eq!(findings(&output, "fail"), []);
    let passed = findings(&output, "pass");
    for rule in ["status", "strong-etag", "conditional", "slices"] {
        assert!(rules(&passed).contains(rule), "{rule}: {passed:?}");
    }
    assert!(!rules(&passed).contains("content-length"), "fetched whole");
}

#[test]
fn an_origin_without_recordings_is_not_called_healthy_for_what_was_not_asked() {
    let empty = tempfile::tempdir().unwrap();
    let course = empty.path().join("trong");
    std::fs::create_dir(&course).unwrap();
    std::fs::write(course.join("course.toml"), "title = \"Trống\"\n").unwrap();
    let server = Running::with(|config| config.content.dir = empty.path().to_owned());
    server.wait_ready();
    let output = doctor(&["--cdn", "nginx", "--insecure", "--json", &server.url("")]);
    let warned = findings(&output, "warn");
    assert!(
        warned
            .iter()
            .any(|(_, reason)| reason.contains("was not asked for")),
        "{warned:?}"
    );
    assert!(!rules(&findings(&output, "pass")).contains("slices"));
}

#[test]
fn every_broken_rule_is_named() {
    let bad = Quack::start();
    let url = bad.url("/media/c/l/bad.m4s");
    for (cdn, also) in [
        ("fastly", &["tags"][..]),
        ("nginx", &["head-size"]),
        ("varnish", &["tags", "head-size"]),
    ] {
        let output = doctor(&["--cdn", cdn, "--json", &url]);
        assert_eq!(output.status.code(), Some(1), "{cdn}");
        let failed = findings(&output, "fail");
        let mut wanted: BTreeSet<&str> = [
            "keep-alive",
            "date",
            "age-absent",
            "content-length",
            "strong-etag",
            "no-set-cookie",
            "vary",
            "cacheable",
            "conditional",
            "head",
            "codings",
            "query",
            "ranges",
            "if-range",
            "unsatisfiable",
            "slices",
            "errors",
        ]
        .into();
        wanted.extend(also);
        assert_eq!(rules(&failed), wanted, "{cdn}: {failed:#?}");
        let passed = findings(&output, "pass");
        assert!(rules(&passed).is_disjoint(&wanted), "{cdn}: {passed:#?}");
    }
    let moved = doctor(&["--cdn", "akamai", "--json", &bad.url("/moved.m4s")]);
    let failed = findings(&moved, "fail");
    let status = failed.iter().find(|(rule, _)| rule == "status").unwrap();
    assert!(status.1.contains("redirect"), "{status:?}");
}

#[test]
fn people_read_verdict_reason_and_source() {
    let bad = Quack::start();
    let output = doctor(&["--cdn", "nginx", &bad.url("/media/c/l/bad.m4s")]);
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text
        .lines()
        .find(|line| line.contains("strong-etag"))
        .unwrap();
    assert!(
        line.starts_with("FAIL") && line.contains("is weak"),
        "{line}"
    );
    assert!(line.contains("[RFC 9110, 8.8.1]"), "{line}");
    assert!(text.lines().last().unwrap().ends_with("failed"), "{text}");
}

#[test]
fn an_origin_that_cannot_be_visited_is_a_failure_and_a_wrong_url_a_wrong_use() {
    let server = Running::start();
    server.wait_ready();
    let untrusted = doctor(&["--cdn", "fastly", &server.url("")]);
    assert_eq!(untrusted.status.code(), Some(1));
    let told = String::from_utf8(untrusted.stderr).unwrap();
    assert!(
        told.contains("no TLS session") && told.contains("ertificate"),
        "{told}"
    );
    let insecure = doctor(&[
        "--cdn",
        "fastly",
        "--insecure",
        "--json",
        &server.url("/v1/health"),
    ]);
    assert!(
        rules(&findings(&insecure, "warn")).contains("tls"),
        "not checked is not passed"
    );
    // The port of a listener that is gone.
    let gone = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let nobody = doctor(&[
        "--cdn",
        "nginx",
        "--insecure",
        "--json",
        &format!("https://{gone}/"),
    ]);
    assert_eq!(nobody.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&nobody.stdout).unwrap();
    assert_eq!(report["ok"], false);
    assert!(
        report["ended"].as_str().unwrap().contains("no connection"),
        "{report}"
    );
    for arguments in [
        &["--cdn", "nginx", "learn.example"][..],
        &["--cdn", "x", "https://a/"],
    ] {
        assert_eq!(doctor(arguments).status.code(), Some(2), "{arguments:?}");
    }
}
