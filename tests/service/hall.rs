//! A course with quizzes, and what learners do there.

use crate::Got;
use crate::school::Pupil;
use crate::school::School;
use lamplight::http::Fields;
use lamplight::http::Method;
use serde_json::Value;
use serde_json::json;
use std::fs;

pub(crate) const QUIZ: &str = r#"
id = "moi-kieu"
reveal = "explanations"
[[item]]
id = "mot"
kind = "one"
text = "?"
options = ["a", "b", "c"]
correct = [2]
explain = "SECRET-EXPLAIN"
feedback = ["SECRET-A", "", "SECRET-C"]
[[item]]
id = "nhieu"
kind = "many"
text = "?"
options = ["a", "b", "c", "d"]
correct = [0, 2]
[[item]]
id = "dung-sai"
kind = "tf"
text = "?"
correct = false
[[item]]
id = "so"
kind = "num"
text = "?"
correct = 2.5
[[item]]
id = "chu"
kind = "text"
text = "?"
max_chars = 4000
correct = ["SECRET-TEXT"]
[[item]]
id = "cap"
kind = "match"
text = "?"
left = ["x", "y"]
right = ["1", "2", "3"]
correct = [0, 1]
[[item]]
id = "thu-tu"
kind = "order"
text = "?"
options = ["first", "second", "third"]
correct = [0, 1, 2]
"#;

/// A course with one quiz of every kind, beside others.
pub(crate) fn content(quizzes: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let lesson = dir.path().join("truong/01-mot");
    fs::create_dir_all(&lesson).unwrap();
    let course = "languages = [\"vi\"]\ntitle = \"Trường\"\n";
    fs::write(dir.path().join("truong/course.toml"), course).unwrap();
    fs::write(lesson.join("text.vi.md"), "# Một\n\nBài một.\n").unwrap();
    for (name, text) in quizzes {
        fs::write(lesson.join(name), text).unwrap();
    }
    dir
}

pub(crate) struct Hall {
    pub(crate) school: School,
    pub(crate) content: tempfile::TempDir,
}

impl Hall {
    pub(crate) fn new(quizzes: &[(&str, &str)]) -> Self {
        let content = content(quizzes);
        let school = School::at(content.path());
        Self { school, content }
    }

    pub(crate) fn pupil(&self, n: u8) -> Pupil {
        let pupil = self.school.pupil(n);
        let wish = json!({"course": "truong"});
        let got = self.school.post(&pupil, "/v1/enrolments", &wish);
        assert!(got.status < 300, "{}", got.text());
        pupil
    }

    pub(crate) fn open(&self, pupil: &Pupil, quiz: &str) -> Got {
        let wish = json!({"course": "truong", "quiz": quiz});
        self.school.post(pupil, "/v1/attempts", &wish)
    }

    /// The URL of a new attempt.
    pub(crate) fn opened(&self, pupil: &Pupil, quiz: &str) -> String {
        let got = self.open(pupil, quiz);
        assert_eq!(got.status, 201, "{}", got.text());
        let url = format!("/v1/attempts/{}", text(&got.json(), "attempt"));
        assert_eq!(got.field("location"), Some(url.as_str()));
        url
    }

    pub(crate) fn answer(&self, pupil: &Pupil, (url, item): (&str, &str), body: &Value) -> Got {
        self.school
            .put(pupil, &format!("{url}/answers/{item}"), body)
    }

    pub(crate) fn submit(&self, pupil: &Pupil, url: &str, body: &Value) -> Got {
        self.school.post(pupil, &format!("{url}/submit"), body)
    }

    /// The chunk that an attempt names.
    pub(crate) fn chunk(&self, pupil: &Pupil, url: &str) -> Value {
        let view = self.school.get(pupil, url).json();
        let chunk = self
            .school
            .raw((Method::Get, &text(&view, "chunk")), &Fields::new(), "");
        assert_eq!(chunk.status, 200, "{}", chunk.text());
        chunk.json()
    }
}

pub(crate) fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap().to_owned()
}

pub(crate) fn problem(got: &Got) -> String {
    let body = got.json();
    assert_eq!(got.field("cache-control"), Some("no-store"), "{body}");
    text(&body, "type").replace("/problems/", "")
}

/// Positions in `shown` of the texts in `wanted`.
pub(crate) fn places(shown: &Value, wanted: &[&str]) -> Vec<usize> {
    let shown = shown.as_array().unwrap();
    let place = |text: &&str| shown.iter().position(|option| option == text).unwrap();
    wanted.iter().map(place).collect()
}

/// Right answers to every item of the chunk.
pub(crate) fn right(chunk: &Value) -> Vec<(&'static str, Value)> {
    let item = |id: &str| {
        let mut items = chunk["items"].as_array().unwrap().iter();
        items.find(|item| item["id"] == id).unwrap().clone()
    };
    let pairs = places(&item("cap")["right"], &["1", "2"]);
    let order = places(&item("thu-tu")["options"], &["first", "second", "third"]);
    vec![
        ("mot", json!({"choice": [2]})),
        ("nhieu", json!({"choice": [2, 0]})),
        ("dung-sai", json!({"truth": false})),
        ("so", json!({"number": 2.5})),
        ("chu", json!({"text": "secret-text"})),
        ("cap", json!({ "pairs": pairs })),
        ("thu-tu", json!({ "order": order })),
    ]
}

pub(crate) fn numbered(answer: &Value, seq: usize) -> Value {
    let mut body = answer.clone();
    body["seq"] = json!(seq);
    body["elapsed_ms"] = json!(4000);
    body
}
