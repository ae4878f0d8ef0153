//! The examples of docs/protocol.md, sent in their order by a learner of each version, and held
//! against what the server says and what the OpenAPI file describes.

use crate::agreed;
use crate::client::Client;
use crate::client::Reply;
use crate::house::House;
use crate::openapi::OpenApi;
use lamplight::issuers::Mode;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

const CONTRACT: &str = include_str!("../../docs/protocol.md");
const DEVICE: &str = "9b2f0d4e-7a11-4c3d-8e5f-0123456789ab";
const TOKEN: &str = "/v1/dev/token";

/// A request of the contract with its reply.
#[derive(Debug)]
struct Example {
    method: String,
    path: String,
    content: Option<Value>,
    status: u16,
    reply: Option<Value>,
}

impl Example {
    fn all() -> Vec<Self> {
        let blocks = CONTRACT.split("```http\n").skip(1);
        blocks
            .map(|rest| Self::of(rest.split("```").next().unwrap()))
            .collect()
    }

    /// Request line, content, an empty line, status, content.
    fn of(block: &str) -> Self {
        let (request, reply) = block
            .split_once("\n\n")
            .unwrap_or_else(|| panic!("{block}"));
        let (line, content) = parts(request);
        let (status, answer) = parts(reply);
        let (method, path) = line.split_once(' ').unwrap();
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            content,
            status: status.parse().unwrap(),
            reply: answer,
        }
    }

    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// The first line, and the JSON behind it.
fn parts(text: &str) -> (&str, Option<Value>) {
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    let json = (!rest.trim().is_empty())
        .then(|| serde_json::from_str(rest).unwrap_or_else(|error| panic!("{error}: {rest}")));
    (line.trim(), json)
}

/// A learner who follows the contract over one version.
struct Reader<'a> {
    client: &'a mut Client,
    name: String,
    token: String,
    session: String,
    /// What replies called `attempt` and the like, for the holes of later paths.
    told: BTreeMap<String, String>,
    openapi: &'a OpenApi,
}

impl<'a> Reader<'a> {
    fn new(name: &str, client: &'a mut Client, openapi: &'a OpenApi) -> Self {
        Self {
            name: format!("{name} over {}", client.name()),
            client,
            token: String::new(),
            session: String::new(),
            told: BTreeMap::new(),
            openapi,
        }
    }

    async fn sign_in(&mut self) {
        let content = json!({"learner": self.name, "level": 2});
        self.token = self.post(TOKEN, &content).await["token"]
            .as_str()
            .unwrap()
            .to_owned();
        let content = json!({"device": DEVICE});
        let begun = self.post("/v1/sessions", &content).await;
        self.session = begun["session"].as_str().unwrap().to_owned();
    }

    async fn post(&mut self, path: &str, content: &Value) -> Value {
        let reply = self.send("POST", path, Some(content)).await;
        assert!(reply.status < 300, "{path}: {}", reply.text());
        reply.json()
    }

    async fn send(&mut self, method: &str, path: &str, content: Option<&Value>) -> Reply {
        let shown = if path == "/v1/sessions" {
            &self.token
        } else {
            &self.session
        };
        let bearer = format!("Bearer {shown}");
        let fields = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        let content = content.map(Value::to_string).unwrap_or_default();
        self.client
            .send(method, path, &fields, content.as_bytes())
            .await
    }

    /// What the example asks for, as this learner does.
    fn filled(&self, example: &Example) -> (String, Option<Value>) {
        let mut path = example.path.clone();
        for (name, value) in &self.told {
            path = path.replace(&format!("{{{name}}}"), value);
        }
        let mut content = example.content.clone();
        if path == TOKEN {
            content.as_mut().unwrap()["learner"] = json!(self.name);
        }
        (path, content)
    }

    /// Sends an example and compares.
    async fn follow(&mut self, example: &Example) {
        let (path, content) = self.filled(example);
        let at = format!("{} over {}", example.name(), self.client.name());
        self.openapi.takes(&example.method, &path, content.as_ref());
        let reply = self.send(&example.method, &path, content.as_ref()).await;
        assert_eq!(reply.status, example.status, "{at}: {}", reply.text());
        let said = (!reply.body.is_empty()).then(|| reply.json());
        self.openapi
            .answers(&example.method, &path, reply.status, said.as_ref());
        self.openapi
            .answers(&example.method, &path, reply.status, example.reply.as_ref());
        assert_eq!(said.is_some(), example.reply.is_some(), "{at}");
        if let (Some(example), Some(said)) = (&example.reply, &said) {
            same_shape(&at, example, said);
            self.remember(said);
        }
    }

    fn remember(&mut self, said: &Value) {
        for (name, value) in said.as_object().into_iter().flatten() {
            if let Some(value) = value.as_str() {
                self.told.insert(name.clone(), value.to_owned());
            }
        }
        // A renewed session is the one to go on with.
        if let Some(session) = said["session"].as_str() {
            self.session = session.to_owned();
        }
    }
}

#[tokio::test]
async fn every_call_of_the_contract_is_answered_as_it_says_over_all_three_versions() {
    let house = House::with(|config| config.identity.mode = Mode::Dev);
    let (examples, openapi) = (Example::all(), OpenApi::read());
    for client in &mut house.clients().await {
        let mut reader = Reader::new("lan", client, &openapi);
        reader.sign_in().await;
        let (last, examples): (Vec<_>, Vec<_>) = examples
            .iter()
            .partition(|e| e.name().starts_with("DELETE /v1/session"));
        for example in &examples {
            reader.follow(example).await;
        }
        // Once more what only looks: now there is everything to be seen.
        let mut seen = 0;
        for example in examples.iter().filter(|e| e.method == "GET") {
            reader.follow(example).await;
            seen += 1;
        }
        assert!(seen > 0);
        let shown = reader.send("GET", "/v1/session", None).await.json();
        for list in ["courses", "devices"] {
            assert!(
                !shown[list].as_array().unwrap().is_empty(),
                "{list}: {shown}"
            );
        }
        assert!(
            !shown["courses"][0]["lessons"]
                .as_array()
                .unwrap()
                .is_empty(),
            "{shown}"
        );
        for example in last {
            reader.follow(example).await;
            assert_eq!(reader.send("GET", "/v1/session", None).await.status, 401);
        }
    }
}

#[tokio::test]
async fn one_learner_neither_reads_nor_changes_another_by_any_call() {
    let house = House::with(|config| config.identity.mode = Mode::Dev);
    let (examples, openapi) = (Example::all(), OpenApi::read());
    let mut clients = house.clients().await;
    let [first, second, ..] = &mut clients[..] else {
        panic!("three clients")
    };
    let mut owner = Reader::new("lan", first, &openapi);
    let mut stranger = Reader::new("minh", second, &openapi);
    owner.sign_in().await;
    for example in examples.iter().filter(|e| !e.name().starts_with("DELETE")) {
        // The second enrolment is no new one where nobody left in between.
        let (path, content) = owner.filled(example);
        let reply = owner.send(&example.method, &path, content.as_ref()).await;
        assert!(reply.status < 300, "{}: {}", example.name(), reply.text());
        if !reply.body.is_empty() {
            owner.remember(&reply.json());
        }
    }
    let mut looks: Vec<String> = examples
        .iter()
        .filter(|e| e.method == "GET")
        .map(|e| owner.filled(e).0)
        .collect();
    looks.dedup();
    let mut before = Vec::new();
    for look in &looks {
        before.push(owner.send("GET", look, None).await.body);
    }
    let learner = owner.told["learner"].clone();
    stranger.sign_in().await;
    for example in &examples {
        // With what belongs to the owner wherever something has to be named.
        stranger.told.clone_from(&owner.told);
        let (path, content) = stranger.filled(example);
        let reply = stranger
            .send(&example.method, &path, content.as_ref())
            .await;
        let at = example.name();
        assert!(!reply.text().contains(&learner), "{at}: {}", reply.text());
        if path != example.path {
            assert_eq!(reply.status, 404, "{at}: {}", reply.text());
        }
        if at.starts_with("DELETE /v1/session") {
            stranger.sign_in().await;
        }
        for (look, before) in looks.iter().zip(&before) {
            let now = owner.send("GET", look, None).await;
            assert!(now.body == *before, "{at} changed {look}: {}", now.text());
        }
    }
}

#[test]
fn every_call_of_a_learner_has_an_example() {
    let examples: Vec<String> = Example::all().iter().map(Example::name).collect();
    let openapi: Value = serde_json::from_str(include_str!("../../docs/openapi.json")).unwrap();
    for (path, item) in openapi["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let private = operation["security"].is_array() && method != "head";
            let name = format!("{} {path}", method.to_uppercase());
            let hole = name.split('{').next().unwrap();
            let shown = examples.iter().any(|example| example.starts_with(hole));
            assert!(
                !private || shown,
                "docs/protocol.md has no example of {name}"
            );
        }
    }
}

#[tokio::test]
async fn the_examples_of_the_contract_are_what_the_server_says() {
    let house = House::start();
    let mut clients = house.clients().await;
    let openapi = OpenApi::read();
    let mut examples = CONTRACT.split("```json\n").skip(1).map(|rest| {
        let text = rest.split("```").next().unwrap();
        serde_json::from_str::<Value>(text).unwrap()
    });
    let course = agreed(&mut clients, "GET", "/v1/courses/ky-nang-so", &[])
        .await
        .json();
    let list = agreed(&mut clients, "GET", "/v1/courses", &[]).await.json();
    let mut held = |name: &str, path: &str, status: u16, said: &Value| {
        let example = examples.next().unwrap();
        same_shape(name, &example, said);
        openapi.answers("GET", path, status, Some(said));
        openapi.answers("GET", path, status, Some(&example));
    };
    held("courses", "/v1/courses", 200, &list);
    held("course", "/v1/courses/ky-nang-so", 200, &course);
    let quiz = course["quizzes"][0]["url"].as_str().unwrap();
    let path = format!("/quiz/{}", quiz.split_once("/quiz/").unwrap().1);
    let quiz = agreed(&mut clients, "GET", &path, &[]).await;
    let text = quiz.text();
    assert!(
        !text.contains("correct") && !text.contains("answer"),
        "{text}"
    );
    held("quiz", &path, 200, &quiz.json());
    let path = "/v1/receipts/keys";
    let keys = agreed(&mut clients, "GET", path, &[]).await;
    held("keys", path, 200, &keys.json());
    let range = [("range", "bytes=99999999-")];
    let raw = clients[2].ask("GET", "/v1/courses", &range).await;
    held("problem", "/v1/courses", 416, &raw.json());
    assert!(
        examples.next().is_none(),
        "an example that no request replays"
    );
}

/// The first element of arrays stands for all; the members of objects are the same, in any order.
fn same_shape(at: &str, example: &Value, real: &Value) {
    match (example, real) {
        (Value::Object(example), Value::Object(real)) => {
            let names = |o: &serde_json::Map<String, Value>| -> BTreeSet<String> {
                o.keys().cloned().collect()
            };
            if !["title", "summary"].iter().any(|w| at.ends_with(w)) {
                assert_eq!(names(example), names(real), "{at}");
            }
            for (name, value) in example {
                if let Some(real) = real.get(name) {
                    same_shape(&format!("{at}.{name}"), value, real);
                }
            }
        }
        (Value::Array(example), Value::Array(real)) => {
            if let (Some(example), Some(real)) = (example.first(), real.first()) {
                same_shape(&format!("{at}[0]"), example, real);
            }
        }
        (Value::Null, _) | (_, Value::Null) => {}
        _ => assert_eq!(
            std::mem::discriminant(example),
            std::mem::discriminant(real),
            "{at}: {example} and {real}"
        ),
    }
}
