//! Two nodes under load while everything happens to the server.

use crate::node::Node;
use crate::node::config;
use crate::node::learner;
use crate::node::within;
use crate::server::Server;
use lamplight::base::id::CourseId;
use lamplight::base::id::DeviceId;
use lamplight::runtime::block_on;
use lamplight::session::State;
use lamplight::store::Redis;
use lamplight::store::redis::Event;
use lamplight::store::redis::Outbox;
use lamplight::store::redis::Waiting;
use std::time::Duration;

const LEARNERS: u16 = 300;
const CHANGES: u32 = 40;

/// One node's learners, its outbox, and who waits in it.
struct Memory {
    node: Node,
    states: Vec<State>,
    outbox: Outbox,
    waits: Vec<bool>,
}

impl Memory {
    async fn new(server: &Server) -> Self {
        let learners = usize::from(LEARNERS);
        Self {
            node: Node::connected(&config(&server.url())).await,
            states: vec![State::default(); learners],
            outbox: Outbox::new(0, learners),
            waits: vec![false; learners],
        }
    }

    fn change(&mut self, id: u16, change: impl FnOnce(&mut State)) {
        let at = usize::from(id);
        change(&mut self.states[at]);
        self.wait(at);
    }

    fn wait(&mut self, at: usize) {
        if !std::mem::replace(&mut self.waits[at], true) {
            self.outbox.push(Waiting {
                learner: learner(at as u16),
                since_ms: 0,
                urgent: false,
            });
        }
    }

    /// Does what the events say, and ships one batch.
    async fn turn(&mut self) {
        while let Ok(event) = self.node.events.try_recv() {
            match event {
                Event::Behind => (0..self.waits.len()).for_each(|at| self.wait(at)),
                Event::Changed(learners) => {
                    for id in learners {
                        let at = usize::from(id.0[0]) << 8 | usize::from(id.0[1]);
                        match self.node.redis.load(id).await {
                            Ok(Some(state)) => self.states[at].join(&state),
                            Ok(None) => {}
                            // Asked again by shipping: what others know comes back.
                            Err(_away) => self.wait(at),
                        }
                    }
                }
            }
        }
        let taken = self.outbox.take(1, Redis::BATCH_MAX);
        if taken.is_empty() {
            return;
        }
        let at = |id: [u8; 16]| usize::from(id[0]) << 8 | usize::from(id[1]);
        let batch = taken.iter().map(|entry| {
            let at = at(entry.learner.0);
            self.waits[at] = false;
            (entry.learner, self.states[at].clone())
        });
        match self.node.redis.ship(batch.collect()).await {
            Ok(shipped) => {
                self.outbox.done();
                for one in shipped {
                    let at = at(one.learner.0);
                    if let Some(news) = &one.joined {
                        self.states[at].join(news);
                    }
                    if one.outcome.is_err() {
                        self.wait(at);
                    }
                }
            }
            Err(_refused) => {
                // A change meanwhile made an entry of its own; one too many is harmless.
                taken
                    .iter()
                    .for_each(|entry| self.waits[at(entry.learner.0)] = true);
                self.outbox.failed();
            }
        }
        assert!(
            self.outbox.len() <= 2 * usize::from(LEARNERS),
            "the outbox grows"
        );
    }
}

#[test]
fn under_load_nothing_is_lost_whatever_happens_to_the_server() {
    let mut server = Server::start();
    block_on(async {
        let mut nodes = [Memory::new(&server).await, Memory::new(&server).await];
        let mut all = vec![State::default(); usize::from(LEARNERS)];
        for change in 1..=CHANGES {
            for id in (0..LEARNERS).filter(|id| (u32::from(*id) + change).is_multiple_of(3)) {
                let at = (u32::from(id) ^ change) as usize % 2;
                nodes[at].change(id, |state| {
                    state
                        .enrol(CourseId(u64::from(change) % 50), change)
                        .unwrap();
                    state.sign_out(DeviceId([at as u8 + 1; 16]), change);
                });
                all[usize::from(id)].join(&nodes[at].states[usize::from(id)]);
            }
            match change {
                5 | 21 => server.kill(),
                8 | 23 => server.begin(),
                11 => server.stop(),
                13 => server.go_on(),
                15 => drop(server.say(&["FLUSHALL"])),
                17 => drop(server.say(&["CONFIG", "SET", "maxmemory", "1"])),
                19 => drop(server.say(&["CONFIG", "SET", "maxmemory", "0"])),
                26 => drop(server.say(&["REPLICAOF", "127.0.0.1", "1"])),
                28 => drop(server.say(&["REPLICAOF", "NO", "ONE"])),
                30 => drop(server.say(&["SCRIPT", "FLUSH"])),
                32 => drop(server.say(&["CLIENT", "KILL", "TYPE", "normal"])),
                _ => {}
            }
            for _ in 0..3 {
                for node in &mut nodes {
                    node.turn().await;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        let settle = async {
            let equal = |node: &Memory| node.outbox.is_empty() && node.states == all;
            while !nodes.iter().all(equal) {
                for node in &mut nodes {
                    node.turn().await;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        within("both nodes to know everything", settle).await;
        let fresh = Node::connected(&config(&server.url())).await;
        for id in 0..LEARNERS {
            let loaded = fresh.load_at_last(id).await;
            assert_eq!(loaded.as_ref(), Some(&all[usize::from(id)]), "learner {id}");
        }
        for Memory { node, .. } in &nodes {
            assert!(node.count("lamplight_redis_lost", None) > 0);
            assert!(node.count("lamplight_redis_broken", None) > 0);
            assert!(node.count("lamplight_redis_left", Some("unsent")) > 0);
            assert_eq!(node.count("lamplight_redis_up", None), 1);
        }
    });
}
