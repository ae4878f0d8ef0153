//! A learner who answers quizzes, and remembers every word that the server said.

use crate::client::Client;
use crate::client::Reply;
use serde_json::Value;
use serde_json::json;
use std::io::Write as _;
use std::process::Command;
use std::process::Stdio;

const DEVICE: &str = "9b2f0d4e-7a11-4c3d-8e5f-0123456789ab";

pub(crate) struct Pupil<'a> {
    client: &'a mut Client,
    session: String,
    pub(crate) learner: String,
    /// Everything that was said, heads included.
    pub(crate) heard: String,
}

impl<'a> Pupil<'a> {
    /// Signs in and enrols.
    pub(crate) async fn of(client: &'a mut Client) -> Self {
        let name = client.name();
        let mut pupil = Self {
            client,
            session: String::new(),
            learner: String::new(),
            heard: String::new(),
        };
        let wish = json!({"learner": name, "level": 1});
        let token = pupil.call("POST", "/v1/dev/token", &wish).await.json();
        pupil.session = token["token"].as_str().unwrap().to_owned();
        let wish = json!({ "device": DEVICE });
        let begun = pupil.call("POST", "/v1/sessions", &wish).await.json();
        pupil.session = begun["session"].as_str().unwrap().to_owned();
        pupil.learner = begun["learner"].as_str().unwrap().to_owned();
        let wish = json!({"course": "truong"});
        let got = pupil.call("POST", "/v1/enrolments", &wish).await;
        assert_eq!(got.status, 201, "{name}: {}", got.text());
        pupil
    }

    pub(crate) async fn call(&mut self, method: &str, path: &str, content: &Value) -> Reply {
        let bearer = format!("Bearer {}", self.session);
        let fields = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        let content = match method {
            "GET" => String::new(),
            _ => content.to_string(),
        };
        let sent = self.client.send(method, path, &fields, content.as_bytes());
        let reply = sent.await;
        self.heard += &format!("{method} {path} {:?} {}\n", reply.fields, reply.text());
        reply
    }

    /// Opens an attempt, answers every item well and badly, and looks at it. Gives its URL and the
    /// first receipt with what it is about.
    pub(crate) async fn sit(&mut self, quiz: &str) -> (String, Value) {
        let wish = json!({"course": "truong", "quiz": quiz});
        let opened = self.call("POST", "/v1/attempts", &wish).await.json();
        let attempt = opened["attempt"].as_str().unwrap().to_owned();
        let url = format!("/v1/attempts/{attempt}");
        let chunk = opened["chunk"].as_str().unwrap().to_owned();
        let chunk = self.call("GET", &chunk, &Value::Null).await.json();
        let mut first = Value::Null;
        for (seq, item) in (1..).zip(chunk["items"].as_array().unwrap()) {
            let at = format!("{url}/answers/{}", item["id"].as_str().unwrap());
            for bad in [
                json!({"seq": seq}),
                json!({"seq": seq, "elapsed_ms": 1, "choice": [99], "text": 3}),
                json!({"seq": seq, "elapsed_ms": 1, "pairs": [99, 99, 99]}),
                json!({"seq": seq, "elapsed_ms": 1, "order": [0, 0]}),
            ] {
                let got = self.call("PUT", &at, &bad).await;
                assert_eq!(got.status, 400, "{bad}: {}", got.text());
            }
            let mut given = answer(item);
            given["seq"] = json!(seq);
            given["elapsed_ms"] = json!(5000);
            let got = self.call("PUT", &at, &given).await;
            assert_eq!(got.status, 200, "{given}: {}", got.text());
            if first.is_null() {
                first = json!({"receipt": got.json()["receipt"], "learner": self.learner,
                    "attempt": attempt, "item": item["id"], "seq": seq, "device": DEVICE});
            }
        }
        for path in [&url, "/v1/session", "/v1/attempts/AAECAwQFBgcICQoLDA0ODw"] {
            self.call("GET", path, &Value::Null).await;
        }
        let missing = json!({"answered": {"q1": 99}});
        let got = self.call("POST", &format!("{url}/submit"), &missing).await;
        assert_eq!(got.status, 409, "{}", got.text());
        (url, first)
    }
}

/// Some answer to the item, the first there is.
fn answer(item: &Value) -> Value {
    let count = |member: &str| item[member].as_array().unwrap().len();
    match item["kind"].as_str().unwrap() {
        "one" | "many" => json!({"choice": [0]}),
        "tf" => json!({"truth": true}),
        "num" => json!({"number": 1.5}),
        "text" => json!({"text": "khong biet"}),
        "match" => json!({"pairs": vec![Value::Null; count("left")]}),
        _ => json!({"order": (0..count("options")).collect::<Vec<_>>()}),
    }
}

/// What `lamplight receipt verify` says of a receipt: whether it is good, and the sentence.
pub(crate) fn verified(claim: &Value) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lamplight"));
    command.args(["receipt", "verify", "-"]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(claim.to_string().as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(told).unwrap())
}
