//! A learner who remembers every promise.

use crate::Choice;
use crate::process::Client;
use data_encoding::BASE64URL_NOPAD;
use lamplight::base::id::AttemptId;
use lamplight::base::id::DeviceId;
use lamplight::base::id::LearnerId;
use lamplight::quiz;
use lamplight::store::Answered;
use lamplight::store::Receipt;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;

const COURSE: &str = "ky-nang-so";
const LESSON: &str = "mat-khau";
const QUIZ: &str = "mat-khau-quiz";
/// Items that take one of three options.
const ITEMS: [&str; 2] = ["q1", "q2"];
/// More closed attempts than this would only be more of the same.
const CLOSED_MAX: usize = 8;
/// Beats of a call, and milliseconds of media in each.
const BEATS: u32 = 3;
const BEAT_MS: u32 = 2;
/// Beats start again at the beginning before the lesson is over.
const LESSON_MS: u32 = 40_000;

/// Something to do, the same however often it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Op {
    SignIn,
    Enrol,
    Watch {
        through: u32,
    },
    Open,
    Answer {
        item: &'static str,
        seq: u32,
        choice: u64,
    },
    Submit,
}

/// An attempt and what was acknowledged in it.
#[derive(Debug, Default)]
struct Attempt {
    id: String,
    /// By item: number, choice.
    answers: BTreeMap<&'static str, (u32, u64)>,
    seq: u32,
    result: Value,
}

/// An acknowledged answer to check.
#[derive(Debug)]
struct Claim {
    receipt: String,
    attempt: String,
    item: &'static str,
    seq: u32,
    choice: u64,
}

#[derive(Debug)]
pub(crate) struct Learner {
    number: u64,
    choice: Choice,
    device: String,
    session: String,
    id: String,
    enrolled_at: Value,
    watched: u32,
    current: Option<Attempt>,
    closed: Vec<Attempt>,
    claims: Vec<Claim>,
    /// Sent, not acknowledged.
    unsure: Option<Op>,
    /// Receipts that were good.
    pub(crate) verified: usize,
}

impl Learner {
    pub(crate) fn new(number: u64, choice: Choice) -> Self {
        Self {
            number,
            choice,
            device: format!("9b2f0d4e-7a11-4c3d-8e5f-{number:012x}"),
            session: String::new(),
            id: String::new(),
            enrolled_at: Value::Null,
            watched: 0,
            current: None,
            closed: Vec::new(),
            claims: Vec::new(),
            unsure: None,
            verified: 0,
        }
    }

    /// Does the next thing, or once more what nobody answered. `None`: the server is gone.
    pub(crate) async fn go_on(&mut self, client: &Client) -> Option<()> {
        let op = self.unsure.clone().unwrap_or_else(|| self.next());
        self.unsure = Some(op.clone());
        self.perform(client, &op).await?;
        self.unsure = None;
        Some(())
    }

    fn next(&mut self) -> Op {
        if self.session.is_empty() {
            return Op::SignIn;
        }
        if self.enrolled_at.is_null() {
            return Op::Enrol;
        }
        let may_close = self.closed.len() < CLOSED_MAX;
        match (self.choice.below(20), &self.current) {
            (0..=6, _) => Op::Watch {
                through: self.watched + BEATS,
            },
            (_, None) => Op::Open,
            (7, Some(_)) if may_close => Op::Submit,
            (_, Some(attempt)) => {
                let seq = attempt.seq + 1;
                let item = ITEMS[usize::try_from(self.choice.below(2)).unwrap()];
                let choice = self.choice.below(3);
                Op::Answer { item, seq, choice }
            }
        }
    }

    async fn perform(&mut self, client: &Client, op: &Op) -> Option<()> {
        match op {
            Op::SignIn => {
                let wish = json!({"learner": format!("crash-{}", self.number)});
                let token = self.call(client, "POST", "/v1/dev/token", &wish).await?.1;
                let bearer = token["token"].as_str().unwrap().to_owned();
                let wish = json!({"device": self.device});
                // The issuer's token stands where the session's will.
                self.session = bearer;
                let begun = self.call(client, "POST", "/v1/sessions", &wish).await;
                self.session.clear();
                let (_, begun) = begun?;
                self.session = begun["session"].as_str().unwrap().to_owned();
                self.id = begun["learner"].as_str().unwrap().to_owned();
            }
            Op::Enrol => {
                let wish = json!({"course": COURSE});
                let (_, reply) = self.call(client, "POST", "/v1/enrolments", &wish).await?;
                self.enrolled_at = reply["enrolled_at"].clone();
            }
            Op::Watch { through } => self.watch(client, *through).await?,
            Op::Open => {
                let wish = json!({"course": COURSE, "quiz": QUIZ});
                let (_, reply) = self.call(client, "POST", "/v1/attempts", &wish).await?;
                let id = reply["attempt"].as_str().unwrap().to_owned();
                let is_new = self.closed.iter().all(|closed| closed.id != id);
                assert!(is_new, "a closed attempt was opened again: {reply}");
                self.current = Some(Attempt {
                    id,
                    ..Attempt::default()
                });
            }
            Op::Answer { item, seq, choice } => {
                self.answer(client, item, *seq, *choice).await?;
            }
            Op::Submit => self.submit(client).await?,
        }
        Some(())
    }

    async fn watch(&mut self, client: &Client, through: u32) -> Option<()> {
        let beat = |seq: u32| {
            let from = seq * BEAT_MS % LESSON_MS;
            json!({"seq": seq, "course": COURSE, "lesson": LESSON, "from_ms": from,
                "to_ms": from + BEAT_MS, "played_total_ms": seq * BEAT_MS,
                "visible_total_ms": seq * BEAT_MS})
        };
        let beats: Vec<Value> = (self.watched + 1..=through).map(beat).collect();
        let wish = json!({"beats": beats});
        let (_, reply) = self
            .call(client, "POST", "/v1/session/beats", &wish)
            .await?;
        assert_eq!(reply["rejected"], json!([]), "{wish}");
        assert_eq!(reply["durable_through"], through, "{reply}");
        self.watched = through;
        Some(())
    }

    async fn answer(
        &mut self,
        client: &Client,
        item: &'static str,
        seq: u32,
        choice: u64,
    ) -> Option<()> {
        let attempt = self.current.as_ref().unwrap().id.clone();
        let path = format!("/v1/attempts/{attempt}/answers/{item}");
        let wish = json!({"seq": seq, "choice": [choice], "elapsed_ms": 5000});
        let (_, reply) = self.call(client, "PUT", &path, &wish).await?;
        assert_eq!(
            (&reply["seq"], &reply["durable"]),
            (&json!(seq), &json!("disk"))
        );
        let known = self.current.as_mut().unwrap();
        known.seq = seq;
        known.answers.insert(item, (seq, choice));
        self.claims.push(Claim {
            receipt: reply["receipt"].as_str().unwrap().to_owned(),
            attempt,
            item,
            seq,
            choice,
        });
        Some(())
    }

    /// Says what it answered: a server that had lost one would refuse.
    async fn submit(&mut self, client: &Client) -> Option<()> {
        let attempt = self.current.as_ref().unwrap();
        let answered: BTreeMap<_, _> = attempt.answers.iter().map(|(i, a)| (i, a.0)).collect();
        let path = format!("/v1/attempts/{}/submit", attempt.id);
        let wish = json!({ "answered": answered });
        let (_, reply) = self.call(client, "POST", &path, &wish).await?;
        let mut attempt = self.current.take().unwrap();
        attempt.result = reply;
        self.closed.push(attempt);
        Some(())
    }

    /// Asks for everything that was ever acknowledged.
    pub(crate) async fn audit(&mut self, client: &Client) {
        if self.session.is_empty() {
            return;
        }
        let (_, state) = self.get(client, "/v1/session").await;
        assert_eq!(state["learner"], self.id);
        self.audit_course(&state);
        let opened = self.closed.len() + usize::from(self.current.is_some());
        let quizzes = &state["courses"][0]["quizzes"];
        let counted = quizzes[0]["attempts"].as_u64().unwrap_or(0);
        let maybe = u64::from(self.unsure == Some(Op::Open));
        let sure = opened as u64;
        assert!(
            (sure..=sure + maybe).contains(&counted),
            "{opened}: {state}"
        );
        for attempt in &self.closed {
            let (_, shown) = self
                .get(client, &format!("/v1/attempts/{}", attempt.id))
                .await;
            assert_eq!(shown["state"], "submitted", "{shown}");
            assert_eq!(shown["result"], attempt.result, "{shown}");
            self.audit_answers(attempt, &shown, None);
        }
        if let Some(attempt) = &self.current {
            let (_, shown) = self
                .get(client, &format!("/v1/attempts/{}", attempt.id))
                .await;
            let open = shown["state"] == "open" || self.unsure == Some(Op::Submit);
            assert!(open, "closed by nobody: {shown}");
            self.audit_answers(attempt, &shown, self.unsure.as_ref());
        }
        self.verify(client).await;
    }

    fn audit_course(&self, state: &Value) {
        if self.enrolled_at.is_null() {
            return;
        }
        let course = &state["courses"][0];
        assert_eq!(course["enrolled_at"], self.enrolled_at, "{state}");
        let sent = match self.unsure {
            Some(Op::Watch { through }) => through,
            _ => self.watched,
        };
        let device = state["devices"].as_array().unwrap().iter();
        let mut device = device.filter(|device| device["device"] == self.device.as_str());
        let through = device
            .next()
            .map(|device| device["accepted_through"].as_u64().unwrap());
        let through = u32::try_from(through.unwrap_or(0)).unwrap();
        assert!((self.watched..=sent).contains(&through), "{sent}: {state}");
        if self.watched > 0 {
            // Totals are cumulative, so whatever came twice counts once; kept are tenths of a
            // second.
            let played_ms = through * BEAT_MS / 100 * 100;
            assert_eq!(course["lessons"][0]["played_ms"], played_ms, "{state}");
        }
    }

    /// Every acknowledged answer is there, or the unsure one that came after it; each item once.
    fn audit_answers(&self, attempt: &Attempt, shown: &Value, unsure: Option<&Op>) {
        let mut found = BTreeMap::new();
        for answer in shown["answers"].as_array().unwrap() {
            let item = answer["item"].as_str().unwrap().to_owned();
            let said = (
                u32::try_from(answer["seq"].as_u64().unwrap()).unwrap(),
                answer["choice"][0].as_u64().unwrap(),
            );
            assert_eq!(found.insert(item, said), None, "twice: {shown}");
        }
        for item in ITEMS {
            let acknowledged = attempt.answers.get(item).copied();
            let later = match unsure {
                Some(Op::Answer {
                    item: i,
                    seq,
                    choice,
                }) if *i == item => Some((*seq, *choice)),
                _ => None,
            };
            let there = found.remove(item);
            let fits = there == acknowledged || there == later && later.is_some();
            assert!(
                fits,
                "{} {item}: {acknowledged:?} {later:?} {shown}",
                self.number
            );
        }
        assert!(found.is_empty(), "made up: {found:?}");
    }

    /// Checks the receipts that came since the last time with the published keys.
    async fn verify(&mut self, client: &Client) {
        let (_, keys) = self.get(client, "/v1/receipts/keys").await;
        let device = DeviceId::parse(&self.device).unwrap();
        for claim in std::mem::take(&mut self.claims) {
            let receipt = Receipt::parse(&claim.receipt).unwrap();
            let published = keys["keys"].as_array().unwrap().iter();
            let mut published = published.filter(|key| key["id"] == receipt.key_id);
            let key = published.next().unwrap()["public_key"].as_str().unwrap();
            let choice = json!({"choice": [claim.choice]});
            let answer = quiz::Answer::read(choice.as_object().unwrap()).unwrap();
            let body = quiz::Answer::encode(answer.as_ref());
            let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &body);
            let answered = Answered {
                learner: LearnerId::parse(&self.id).unwrap(),
                attempt: AttemptId::parse(&claim.attempt).unwrap(),
                item: claim.item,
                seq: claim.seq,
                device,
                body_sha256: hash.as_ref().try_into().unwrap(),
                at_ms: receipt.at_ms,
            };
            let key = BASE64URL_NOPAD.decode(key.as_bytes()).unwrap();
            assert_eq!(receipt.verify(&answered, &key), Ok(()), "{claim:?}");
            self.verified += 1;
        }
    }

    async fn get(&self, client: &Client, path: &str) -> (u16, Value) {
        let got = self.call(client, "GET", path, &Value::Null).await;
        got.unwrap_or_else(|| panic!("{path}: the server is gone"))
    }

    /// Sends a call. `None`: no whole reply came. A refusal breaks a promise here.
    async fn call(
        &self,
        client: &Client,
        method: &str,
        path: &str,
        wish: &Value,
    ) -> Option<(u16, Value)> {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let is_read = method == reqwest::Method::GET;
        let mut sent = client
            .http
            .request(method, format!("{}{path}", client.base));
        if !self.session.is_empty() {
            sent = sent.bearer_auth(&self.session);
        }
        if !is_read {
            sent = sent.header("content-type", "application/json");
            sent = sent.body(wish.to_string());
        }
        let reply = sent.send().await.ok()?;
        let status = reply.status().as_u16();
        let text = reply.text().await.ok()?;
        assert!(status < 300, "{path} {wish}: {status} {text}");
        Some((status, serde_json::from_str(&text).unwrap()))
    }
}
