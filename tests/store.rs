//! `lamplight store`, the real binary over real data: what is damaged is named, what can be read is
//! written out, what was written out comes back equal.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot read its own files fails"
)]

mod support;

use lamplight::base::id::CourseId;
use lamplight::base::id::LearnerId;
use lamplight::session::CourseFact;
use lamplight::session::Effect;
use lamplight::session::Fact;
use lamplight::session::State;
use lamplight::store::Append;
use lamplight::store::Directory;
use lamplight::store::Segment;
use lamplight::store::Snapshots;
use lamplight::store::SnapshotsConfig;
use lamplight::store::recover;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use support::Running;
use tempfile::TempDir;

const SEGMENT_BYTES: u64 = 256 * 1024;

/// What a command said and how it ended.
#[derive(Debug)]
struct Said {
    code: i32,
    out: String,
    err: String,
}

fn run(arguments: &[&str]) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_lamplight"))
        .arg("store")
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said {
        code: output.status.code().unwrap(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

fn learner(n: u64) -> LearnerId {
    LearnerId(
        u128::from(n)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
            .to_be_bytes(),
    )
}

fn enrolled(n: u64, course: u64) -> Effect {
    Effect {
        generation: 0,
        fact: Fact::Course {
            course: CourseId(course),
            generation: 0,
            fact: CourseFact::Enrolled(1_800_000_000 + u32::try_from(n).unwrap()),
        },
    }
}

/// Writes commits of one effect each: learner, course.
fn commit(data: &Path, facts: &[(u64, u64)]) {
    let disk = Directory::open(&data.join("journal")).unwrap();
    let opened = recover(&disk, SEGMENT_BYTES, 1, &mut |_, _| Ok(()), &mut |_| {});
    let mut writer = opened.unwrap().writer;
    for (n, course) in facts {
        let mut append = Append::default();
        let effect = enrolled(*n, *course);
        append.push(learner(*n), |out| effect.encode(out)).unwrap();
        if !writer.fits(append.len()) {
            writer.rotate(Segment::make(&disk, writer.segment() + 1, SEGMENT_BYTES).unwrap());
        }
        writer.commit(&[append], 5).unwrap();
    }
}

fn save(data: &Path, facts: &[(u64, u64)], mark: u64) {
    let config = SnapshotsConfig::default();
    let snapshots = Snapshots::open(&data.join("sessions"), &config).unwrap();
    let states = facts.iter().map(|(n, course)| {
        let mut state = State::default();
        state.apply(&enrolled(*n, *course));
        let mut bytes = Vec::new();
        state.encode(&mut bytes);
        (learner(*n), bytes)
    });
    snapshots.save(&states.collect::<Vec<_>>(), mark).unwrap();
}

/// A node's data: 200 learners are saved, 100 of them went on, 50 others are in the journal alone.
fn node() -> TempDir {
    let data = TempDir::new().unwrap();
    let saved: Vec<_> = (0..200).map(|n| (n, 1)).collect();
    commit(data.path(), &saved);
    save(data.path(), &saved, 201);
    let newer: Vec<_> = (100..250).map(|n| (n, 2)).collect();
    commit(data.path(), &newer);
    data
}

/// Learner and state of every line between the first and the last.
fn lines(export: &str) -> BTreeMap<String, String> {
    let all = export.lines().filter(|line| line.contains("\"learner\""));
    let value = |line: &str, key: &str| {
        let document: serde_json::Value = serde_json::from_str(line).unwrap();
        document[key].as_str().unwrap().to_owned()
    };
    all.map(|line| (value(line, "learner"), value(line, "state")))
        .collect()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Flips a bit of a file.
fn flip(file: &Path, offset: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[offset] ^= 1;
    fs::write(file, bytes).unwrap();
}

#[test]
fn what_is_exported_comes_back_equal_and_its_numbers_go_on() {
    let node = node();
    let data = path(node.path());
    let said = run(&["verify", "--data", data]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.out.contains("commits 1 to 350, 350 records"),
        "{said:?}"
    );
    assert!(
        said.out
            .contains("200 learners, with everything before commit 201"),
        "{said:?}"
    );

    let other = TempDir::new().unwrap();
    let file = other.path().join("saved.jsonl");
    let said = run(&["export", "--data", data, "--out", path(&file)]);
    assert_eq!(said.code, 0, "{said:?}");
    let export = fs::read_to_string(&file).unwrap();
    let learners = lines(&export);
    assert_eq!(learners.len(), 250);
    // What is for people says the same.
    let id = learner(120).to_string();
    let line = export.lines().find(|line| line.contains(&id)).unwrap();
    assert!(
        line.contains("\"0000000000000001\":{\"enrolled_s\":1800000120"),
        "{line}"
    );
    assert!(
        line.contains("\"0000000000000002\":{\"enrolled_s\":1800000120"),
        "{line}"
    );
    // Nothing is overwritten, and the file is nobody else's.
    assert_eq!(
        run(&["export", "--data", data, "--out", path(&file)]).code,
        1
    );
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );

    let fresh = other.path().join("data");
    fs::create_dir(&fresh).unwrap();
    // Twice, as after an import that was cut.
    for _ in 0..2 {
        let said = run(&["import", "--data", path(&fresh), path(&file)]);
        assert_eq!(
            (said.code, said.out.as_str()),
            (0, "250 learners taken in\n"),
            "{said:?}"
        );
    }
    let said = run(&["verify", "--data", path(&fresh)]);
    assert_eq!(said.code, 0, "{said:?}");
    let said = run(&["export", "--data", path(&fresh)]);
    assert_eq!(lines(&said.out), learners);
    // Commit 351 is the empty one that the new journal begins with.
    assert!(
        said.out
            .starts_with("{\"lamplight_export\":1,\"next_commit\":352,"),
        "{}",
        &said.out[..80]
    );
}

#[test]
fn an_import_joins_and_never_replaces() {
    let (one, other) = (node(), TempDir::new().unwrap());
    commit(other.path(), &[(120, 9)]);
    save(other.path(), &[(120, 9), (999, 9)], 2);
    let exported = run(&["export", "--data", path(one.path())]);
    let file = other.path().join("saved.jsonl");
    fs::write(&file, &exported.out).unwrap();
    assert_eq!(
        run(&["import", "--data", path(other.path()), path(&file)]).code,
        0
    );
    let said = run(&["export", "--data", path(other.path())]);
    let id = learner(120).to_string();
    let line = said.out.lines().find(|line| line.contains(&id)).unwrap();
    for course in ["0000000000000001", "0000000000000002", "0000000000000009"] {
        assert!(line.contains(course), "{line}");
    }
    assert_eq!(lines(&said.out).len(), 251);
    // Its own journal stays, and goes on with its own numbers.
    assert!(
        said.out.contains("\"next_commit\":2,"),
        "{}",
        &said.out[..80]
    );
    assert_eq!(run(&["verify", "--data", path(other.path())]).code, 0);
}

#[test]
fn every_harm_is_named_and_what_can_be_read_is_saved() {
    let first = "journal/journal-000000000001.log";
    let second = "journal/journal-000000000002.log";
    type Harm = fn(&Path);
    let harms: [(Harm, &str, usize); 4] = [
        // The newer half of learner 100's story is in commit 201, in the fourth segment.
        (
            |data| flip(&data.join("journal/journal-000000000001.log"), 4096 + 60),
            "is damaged at byte 4096",
            250,
        ),
        (
            |data| flip(&data.join("journal/journal-000000000002.log"), 3),
            "is damaged at byte 0",
            250,
        ),
        (
            |data| fs::remove_file(data.join("journal/journal-000000000002.log")).unwrap(),
            "should come next",
            250,
        ),
        (
            |data| fs::write(data.join("sessions/version"), "nonsense").unwrap(),
            "snapshots: ",
            150,
        ),
    ];
    assert!(node().path().join(first).exists() && node().path().join(second).exists());
    for (harm, told, learners) in harms {
        let node = node();
        let data = path(node.path());
        harm(node.path());
        let said = run(&["verify", "--data", data]);
        assert_eq!(said.code, 1, "{told}: {said:?}");
        assert!(said.err.contains(told), "{told}: {said:?}");
        assert!(said.err.contains("store export"), "{told}: {said:?}");
        let exported = run(&["export", "--data", data]);
        assert_eq!(exported.code, 1, "{told}");
        // The journal has all 350 facts still, but for the one or the file that is gone.
        assert!(
            lines(&exported.out).len() >= learners,
            "{told}: {}",
            exported.err
        );
        // The remedy holds.
        let fresh = TempDir::new().unwrap();
        let file = fresh.path().join("saved.jsonl");
        fs::write(&file, &exported.out).unwrap();
        let said = run(&["import", "--data", path(fresh.path()), path(&file)]);
        assert_eq!(said.code, 0, "{told}: {said:?}");
        assert!(
            said.err.contains("could not read everything"),
            "{told}: {said:?}"
        );
        let said = run(&["verify", "--data", path(fresh.path())]);
        assert_eq!(said.code, 0, "{told}: {said:?}");
    }
}

#[test]
fn a_torn_end_is_told_and_is_no_damage() {
    let node = node();
    let journal = node.path().join("journal");
    let last = fs::read_dir(&journal)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .max()
        .unwrap();
    let bytes = fs::read(&last).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    flip(&last, used);
    let said = run(&["verify", "--data", path(node.path())]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("is not whole"), "{said:?}");
}

#[test]
fn lost_files_before_the_mark_or_behind_it_are_noticed() {
    for keep in [0, 1] {
        let node = node();
        let journal = node.path().join("journal");
        let files = fs::read_dir(&journal)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = files.collect();
        files.sort();
        assert!(files.len() > 4);
        // All, or all but the oldest: the snapshots know of later commits.
        files
            .iter()
            .skip(keep)
            .for_each(|file| fs::remove_file(file).unwrap());
        let said = run(&["verify", "--data", path(node.path())]);
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.err.contains("files are missing"), "{said:?}");
    }
}

#[test]
fn data_in_use_and_files_that_are_no_export_are_refused() {
    let node = node();
    let data = path(node.path());
    let file = node.path().join("file");
    let exported = run(&["export", "--data", data]).out;
    let cut = &exported[..exported.len() - 60];
    let whole_lines = exported
        .lines()
        .take(20)
        .map(|line| format!("{line}\n"))
        .collect::<String>();
    let mixed = exported.replace("\"learners\":250", "\"learners\":249");
    for (content, told) in [
        ("", "cut off"),
        ("hello\n", "line 1"),
        ("{\"learner\":\"x\"}\n", "line 1"),
        (
            "{\"lamplight_export\":2,\"next_commit\":1}\n",
            "newer lamplight",
        ),
        (cut, "cut off"),
        (whole_lines.as_str(), "cut off"),
        (mixed.as_str(), "249 learners were written, 250 are here"),
    ] {
        fs::write(&file, content).unwrap();
        let fresh = TempDir::new().unwrap();
        let said = run(&["import", "--data", path(fresh.path()), path(&file)]);
        assert_eq!(said.code, 1, "{told}: {said:?}");
        assert!(said.err.contains(told), "{told}: {said:?}");
    }
    for arguments in [
        &["verify", "--data", "no/such/directory"][..],
        &["verify", "--dta", data],
        &["forget"],
    ] {
        assert_eq!(run(arguments).code, 2, "{arguments:?}");
    }
    let config = SnapshotsConfig::default();
    let _server = Snapshots::open(&node.path().join("sessions"), &config).unwrap();
    fs::write(&file, &exported).unwrap();
    for arguments in [
        &["verify", "--data", data][..],
        &["import", "--data", data, path(&file)],
    ] {
        let said = run(arguments);
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.err.contains("in use by another process"), "{said:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_server_writes_all_learners_out() {
    let node = node();
    let expected = lines(&run(&["export", "--data", path(node.path())]).out);
    let running = Running::with(|config| config.server.data = node.path().to_owned());
    running.wait_ready();
    let client = support::plain_client();
    let post = client.post(running.ops("/admin/export"));
    let reply = post.send().await.unwrap();
    assert_eq!(reply.status(), 202);
    let document: serde_json::Value = serde_json::from_str(&reply.text().await.unwrap()).unwrap();
    let file = Path::new(document["file"].as_str().unwrap());
    let limit = lamplight::runtime::now() + Duration::from_secs(60);
    while !file.exists() {
        assert!(lamplight::runtime::now() < limit, "no export");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let export = fs::read_to_string(file).unwrap();
    assert_eq!(lines(&export), expected);
    assert!(export.ends_with("{\"end\":true,\"learners\":250,\"complaints\":0}\n"));
    // The commands leave a server's data alone.
    let said = run(&["verify", "--data", path(node.path())]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("in use by another process"), "{said:?}");
    running.close();
    assert_eq!(run(&["verify", "--data", path(node.path())]).code, 0);
}
