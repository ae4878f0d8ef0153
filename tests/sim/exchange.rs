//! What nodes and Redis say to each other.

use crate::node::Flight;
use crate::redis::Ask;
use crate::redis::Said;
use crate::world::Event;
use crate::world::Harm;
use crate::world::World;
use lamplight::base::id::LearnerId;
use lamplight::store::redis::Reply;
use lamplight::store::redis::Shipment;

impl World {
    pub(crate) fn ship(&mut self, node: usize) {
        let Some(shipment) = self.nodes[node].pack() else {
            return;
        };
        let ask = writes(shipment);
        self.send(node, ask);
    }

    /// Asks Redis; without an answer in time the connection is given up.
    pub(crate) fn send(&mut self, node: usize, ask: Ask) {
        let whom = &mut self.nodes[node];
        whom.asked += 1;
        let (life, number) = (whom.life, whom.asked);
        whom.unanswered.insert(number);
        self.post(|| Event::Ask(node, life, number, ask.clone()));
        self.after(500, Event::Late(node, life, number));
    }

    pub(crate) fn ask(&mut self, node: usize, life: u64, number: u64, ask: Ask) {
        if self.redis.down {
            return;
        }
        if self.redis.hangs_until > self.now {
            let wait = self.redis.hangs_until - self.now;
            return self.after(wait, Event::Ask(node, life, number, ask));
        }
        // Also what was asked by a life or connection that is gone is carried out.
        let said = self
            .redis
            .answer(who(node, life), ask, self.harm == Harm::Overwrite);
        self.post(|| Event::Said(node, life, number, said.clone()));
    }

    /// The connection to Redis is lost; all who wait for it are served with what is known here.
    pub(crate) fn lose(&mut self, node: usize) {
        self.nodes[node].disconnect();
        let waiting: Vec<LearnerId> = self.nodes[node].arriving.keys().copied().collect();
        for learner in waiting {
            self.arrive(node, learner, None);
        }
        let random = self.random.next();
        let wait = self.nodes[node].pace.failed(random);
        self.later(node, wait, Event::Connect);
    }

    pub(crate) fn said(&mut self, number: usize, said: Said) {
        let sweeps = self.harm != Harm::NoSweep;
        let node = &mut self.nodes[number];
        match said {
            Said::Welcome { server, place } => {
                let same = node.server == Some(server);
                if !same {
                    node.known.clear();
                    node.place = if node.server.is_none() { place } else { 0 };
                    if sweeps || node.server.is_none() {
                        node.sweep();
                    }
                }
                node.server = Some(server);
                node.connected = true;
            }
            Said::News {
                server,
                place,
                by_others,
            } => {
                node.pace.worked();
                if node.server != Some(server) {
                    return self.lose(number);
                }
                node.place = node.place.max(place);
                let here = by_others.into_iter();
                let here = here.filter(|learner| node.memory.contains_key(learner));
                let here: Vec<LearnerId> = here.collect();
                for learner in here {
                    self.nodes[number].stale.insert(learner);
                    self.send(number, Ask::Load(learner));
                }
            }
            Said::Loaded(learner, value) => {
                let value = value.filter(|_value| self.harm != Harm::DropNews);
                let is_wanted =
                    node.arriving.contains_key(&learner) || node.stale.contains(&learner);
                if is_wanted {
                    self.arrive(number, learner, value.as_deref());
                }
            }
            Said::Wrote(replies) => self.wrote(number, replies),
            Said::Told => node.flight = None,
        }
    }

    pub(crate) fn wrote(&mut self, number: usize, replies: Vec<Reply>) {
        let node = &mut self.nodes[number];
        let Some(Flight::Write(mut shipment, whom)) = node.flight.take() else {
            return;
        };
        shipment.answered(replies);
        if !shipment.is_done() {
            let ask = writes(&shipment);
            node.flight = Some(Flight::Write(shipment, whom));
            return self.send(number, ask);
        }
        let mut stored = Vec::new();
        for one in shipment.finish(&mut node.known) {
            let news = one.joined.filter(|_news| self.harm != Harm::DropNews);
            if let Some(known) = node.memory.get_mut(&one.learner)
                && let Some(news) = news
            {
                known.join(&news);
                node.unsaved.insert(one.learner);
            }
            match one.outcome {
                Ok(_) => stored.push(one.learner),
                Err(_left) => drop(node.outbox.insert(one.learner)),
            }
        }
        let by = who(number, node.life);
        node.flight = Some(Flight::Tell(stored.clone()));
        self.send(number, Ask::Tell(by, stored));
    }
}

fn writes(shipment: &Shipment) -> Ask {
    let writes = shipment.writes();
    let writes = writes.map(|w| (w.learner, w.expected.to_vec(), w.value.to_vec()));
    Ask::Write(writes.collect())
}

/// What a life of a node is called in the stream.
const fn who(node: usize, life: u64) -> u64 {
    (node as u64) << 32 | life
}
