//! The world: what happens, in the order of virtual time.

use crate::node::Node;
use crate::node::Request;
use crate::person::Command;
use crate::person::Outcome;
use crate::person::Person;
use crate::random::Random;
use crate::redis::Ask;
use crate::redis::Model;
use crate::redis::Said;
use lamplight::base::id::LearnerId;
use lamplight::session::Effect;
use std::collections::BTreeMap;

/// Deliberate mistakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Harm {
    None,
    TellBeforeSync,
    NoSync,
    Overwrite,
    DropNews,
    NoSweep,
    NoRecovery,
}

pub(crate) const NODES: usize = 3;
const LEARNERS: u8 = 4;
/// Until then everything goes wrong that can; milliseconds.
const STORM_MS: u64 = 20_000;
/// When one learner signs out everywhere, and until when every node must know.
const SIGN_OUT_MS: u64 = 50_000;
pub(crate) const HEARD_MS: u64 = 5000;
const END_MS: u64 = 60_000;
const EPOCH_MS: u64 = 1_800_000_000_000;

/// What may come to pass: at which node, in which of its lives.
pub(crate) enum Event {
    Try(usize, u64),
    Request(usize, Request),
    Reply(usize, u64, Outcome),
    Commit(usize, u64),
    Ship(usize, u64),
    Look(usize, u64),
    Rest(usize, u64),
    Connect(usize, u64),
    Late(usize, u64, u64),
    Ask(usize, u64, u64, Ask),
    Said(usize, u64, u64, Said),
    Start(usize),
    Trouble,
    Calm,
    SignOut,
}

pub(crate) struct World {
    pub(crate) random: Random,
    pub(crate) harm: Harm,
    pub(crate) now: u64,
    count: u64,
    queue: BTreeMap<(u64, u64), Event>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) redis: Model,
    pub(crate) people: Vec<Person>,
    /// What somebody was told is so.
    pub(crate) acknowledged: Vec<(LearnerId, Effect)>,
    signed_out: Option<u64>,
}

impl World {
    pub(crate) fn new(seed: u64, harm: Harm) -> Self {
        let mut random = Random(seed.wrapping_mul(0x0123_4567_89ab_cdef) ^ 0x5eed);
        let nodes = (0..NODES).map(|_| Node::new(harm == Harm::NoSync));
        let people = (0..2 * LEARNERS).map(|number| {
            let node = random.below(NODES as u64) as usize;
            // Two devices for each learner, often at two nodes.
            Person::new(number, number / 2 + 1, node, &mut random)
        });
        let people = people.collect();
        let mut world = Self {
            nodes: nodes.collect(),
            people,
            random,
            harm,
            now: 0,
            count: 0,
            queue: BTreeMap::new(),
            redis: Model::default(),
            acknowledged: Vec::new(),
            signed_out: None,
        };
        (0..NODES).for_each(|node| world.after(0, Event::Start(node)));
        for person in 0..world.people.len() {
            let wait = world.random.below(8000);
            world.after(wait, Event::Try(person, 0));
        }
        for _ in 0..12 {
            let at = world.random.below(STORM_MS);
            world.after(at, Event::Trouble);
        }
        world.after(STORM_MS, Event::Calm);
        world.after(SIGN_OUT_MS, Event::SignOut);
        world
    }

    /// Lets it all happen; gives how many facts were acknowledged.
    pub(crate) fn run(mut self) -> Result<u64, String> {
        while let Some(((at, _), event)) = self.queue.pop_first() {
            if at > END_MS {
                break;
            }
            self.now = at;
            self.happen(event)?;
            let late = self.signed_out.filter(|told| self.now >= told + HEARD_MS);
            if late.is_some() {
                self.signed_out = None;
                self.check_signed_out()?;
            }
        }
        let acknowledged = self.acknowledged.len() as u64;
        self.check()?;
        Ok(acknowledged)
    }

    fn happen(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Try(person, ticket) => self.try_next(person, ticket),
            Event::Request(node, request) => self.request(node, request),
            Event::Reply(person, ticket, outcome) => self.hear(person, ticket, &outcome),
            Event::Start(node) => self.start(node)?,
            Event::Trouble => self.trouble(),
            Event::Calm => self.calm(),
            Event::SignOut => self.sign_out(),
            Event::Ask(node, life, number, ask) => self.ask(node, life, number, ask),
            Event::Commit(node, life)
            | Event::Ship(node, life)
            | Event::Look(node, life)
            | Event::Rest(node, life)
            | Event::Connect(node, life)
            | Event::Late(node, life, _)
            | Event::Said(node, life, ..)
                if !self.lives(node, life) => {}
            Event::Commit(node, _) => self.commit(node),
            Event::Ship(node, _) => {
                self.ship(node);
                self.later(node, 300, Event::Ship);
            }
            Event::Look(node, _) => {
                if self.nodes[node].connected {
                    let place = self.nodes[node].place;
                    self.send(node, Ask::Look(place));
                }
                self.later(node, 1000, Event::Look);
            }
            Event::Rest(node, _) => {
                let stays = self.random.next();
                let arriving = self.nodes[node].arriving.clone();
                let leaves = |learner: LearnerId| {
                    (stays >> learner.0[0]).is_multiple_of(2) && !arriving.contains_key(&learner)
                };
                self.nodes[node].rest(leaves);
                self.later(node, 2500, Event::Rest);
            }
            Event::Connect(node, _) => self.send(node, Ask::Greet),
            Event::Late(node, _, number) => {
                if self.nodes[node].unanswered.contains(&number) {
                    self.lose(node);
                }
            }
            // What comes twice is heard once: a connection has its replies in order.
            Event::Said(node, _, number, said) => {
                if self.nodes[node].unanswered.remove(&number) {
                    self.said(node, said);
                }
            }
        }
        Ok(())
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.now >= STORM_MS
    }

    pub(crate) fn after(&mut self, ms: u64, event: Event) {
        self.count += 1;
        self.queue.insert((self.now + ms, self.count), event);
    }

    pub(crate) fn later(&mut self, node: usize, ms: u64, event: fn(usize, u64) -> Event) {
        let life = self.nodes[node].life;
        self.after(ms, event(node, life));
    }

    fn lives(&self, node: usize, life: u64) -> bool {
        self.nodes[node].up && self.nodes[node].life == life
    }

    /// Sends over the network: it takes a while, and in a storm may come twice or never.
    pub(crate) fn post(&mut self, event: impl Fn() -> Event) {
        let copies = match self.random.below(if self.is_calm() { 1 } else { 20 }) {
            18 => 2,
            19 => 0,
            _ => 1,
        };
        for _ in 0..copies {
            let slow = !self.is_calm() && self.random.one_in(30);
            let ms = 1 + self.random.below(if slow { 3000 } else { 40 });
            self.after(ms, event());
        }
    }

    fn try_next(&mut self, number: usize, ticket: u64) {
        let person = &mut self.people[number];
        let Some(command) = person.command().filter(|_| person.ticket == ticket) else {
            return;
        };
        person.ticket += 1;
        let request = Request {
            person: Some(number),
            ticket: person.ticket,
            learner: person.learner,
            command,
        };
        if self.random.one_in(6) {
            self.people[number].node = self.random.below(NODES as u64) as usize;
        }
        let node = self.people[number].node;
        self.post(|| Event::Request(node, request.clone()));
        // Without an answer it is tried again, perhaps at another node.
        let wait = 1000 + self.random.below(1000);
        self.after(wait, Event::Try(number, request.ticket));
    }

    fn hear(&mut self, number: usize, ticket: u64, outcome: &Outcome) {
        let person = &mut self.people[number];
        if person.ticket == ticket {
            person.hear(outcome);
            person.ticket += 1;
            let next = Event::Try(number, person.ticket);
            let pause = self.random.below(300);
            self.after(pause, next);
        }
    }

    fn request(&mut self, node: usize, request: Request) {
        let learner = request.learner;
        if !self.nodes[node].up {
            return;
        }
        if self.nodes[node].memory.contains_key(&learner) {
            return self.act(node, request);
        }
        let waiting = self.nodes[node].arriving.entry(learner).or_default();
        waiting.push(request);
        if self.nodes[node].connected {
            self.send(node, Ask::Load(learner));
        } else {
            self.arrive(node, learner, None);
        }
    }

    pub(crate) fn arrive(&mut self, node: usize, learner: LearnerId, value: Option<&[u8]>) {
        for request in self.nodes[node].install(learner, value) {
            self.act(node, request);
        }
    }

    fn act(&mut self, node: usize, request: Request) {
        let now_ms = EPOCH_MS + self.now;
        let was_idle = self.nodes[node].waiting.is_empty();
        let (request, outcome, decided) = self.nodes[node].judge(request, now_ms);
        if !decided {
            return self.reply(&request, &outcome);
        }
        if matches!(request.command, Command::SignOutEverywhere) {
            // Others must hear of it at once.
            self.later(node, 0, Event::Ship);
        }
        if self.harm == Harm::TellBeforeSync {
            let judged = self.nodes[node].waiting.last().unwrap();
            let effects = judged.effects.clone();
            self.tell(&request, &outcome, &effects);
        }
        if was_idle {
            let ms = 1 + self.random.below(8);
            self.later(node, ms, Event::Commit);
        }
    }

    fn commit(&mut self, node: usize) {
        let now_ms = EPOCH_MS + self.now;
        let Some(judged) = self.nodes[node].commit(now_ms) else {
            return self.crash(node);
        };
        for judged in judged {
            if self.harm != Harm::TellBeforeSync {
                self.tell(&judged.request, &judged.outcome, &judged.effects);
            }
        }
    }

    /// The disk has it: whoever asked is told, and from here on it must be true.
    fn tell(&mut self, request: &Request, outcome: &Outcome, effects: &[Effect]) {
        if matches!(request.command, Command::SignOutEverywhere) {
            self.signed_out = Some(self.now);
        }
        let all = effects
            .iter()
            .map(|effect| (request.learner, effect.clone()));
        self.acknowledged.extend(all);
        self.reply(request, outcome);
    }

    fn reply(&mut self, request: &Request, outcome: &Outcome) {
        if let Some(person) = request.person {
            let ticket = request.ticket;
            self.post(|| Event::Reply(person, ticket, outcome.clone()));
        }
    }

    fn start(&mut self, node: usize) -> Result<(), String> {
        let forgets = self.harm == Harm::NoRecovery;
        self.nodes[node].start(forgets)?;
        self.later(node, 1, Event::Connect);
        self.later(node, 300, Event::Ship);
        self.later(node, 1000, Event::Look);
        self.later(node, 2500, Event::Rest);
        Ok(())
    }

    fn crash(&mut self, node: usize) {
        if self.nodes[node].up {
            self.nodes[node].up = false;
            self.nodes[node].disk.journal.crash(&mut self.random);
            let wait = 100 + self.random.below(3000);
            self.after(wait, Event::Start(node));
        }
    }

    fn trouble(&mut self) {
        let node = self.random.below(NODES as u64) as usize;
        match self.random.below(9) {
            0 | 1 => self.crash(node),
            2 if self.nodes[node].up => {
                let fuse = self.random.below(12);
                self.nodes[node].disk.journal.set_fuse(fuse);
            }
            3 => self.redis.forget(),
            4 => self.redis.save(),
            5 => {
                self.redis.down = true;
                let wait = self.random.below(STORM_MS - self.now + 1);
                self.after(wait, Event::Trouble);
            }
            6 => {
                let empty = self.random.one_in(2);
                self.redis.restart(empty);
            }
            7 => self.redis.hangs_until = self.now + self.random.below(4000),
            _ => {
                let jump = self.random.below(7_200_000).cast_signed();
                self.nodes[node].clock_ms = jump - 3_600_000;
            }
        }
    }

    /// From here on nothing goes wrong any more.
    fn calm(&mut self) {
        self.redis.hangs_until = self.now;
        if self.redis.down {
            self.redis.restart(false);
        }
        for node in &self.nodes {
            node.disk.journal.set_fuse(u64::MAX);
        }
    }

    /// One learner, in memory everywhere, signs out at one node.
    fn sign_out(&mut self) {
        let learner = self.people[0].learner;
        let request = |command| Request {
            person: None,
            ticket: 0,
            learner,
            command,
        };
        (0..NODES).for_each(|node| self.request(node, request(Command::Look)));
        let act = Event::Request(0, request(Command::SignOutEverywhere));
        self.after(500, act);
    }
}
