//! Two nodes under load while everything happens to the server.

use crate::node::Node;
use crate::node::config;
use crate::node::learner;
use crate::node::within;
use crate::server::Server;
use lamplight::base::id::CourseId;
use lamplight::base::id::DeviceId;
use lamplight::base::id::LearnerId;
use lamplight::runtime::block_on;
use lamplight::session::State;
use lamplight::store::Redis;
use lamplight::store::redis::Event;
use std::collections::BTreeSet;
use std::time::Duration;

const LEARNERS: u16 = 300;
const CHANGES: u32 = 40;

/// One node's learners, and whose newest state Redis lacks.
struct Memory {
    node: Node,
    states: Vec<State>,
    outbox: BTreeSet<usize>,
}

impl Memory {
    async fn new(server: &Server) -> Self {
        Self {
            node: Node::connected(&config(&server.url())).await,
            states: vec![State::default(); usize::from(LEARNERS)],
            outbox: BTreeSet::new(),
        }
    }

    fn change(&mut self, id: u16, change: impl FnOnce(&mut State)) {
        change(&mut self.states[usize::from(id)]);
        self.outbox.insert(usize::from(id));
    }

    /// Does what the events say, and ships one batch.
    async fn turn(&mut self) {
        while let Ok(event) = self.node.events.try_recv() {
            match event {
                Event::Behind => self.outbox.extend(0..self.states.len()),
                Event::Changed(learners) => {
                    for id in learners {
                        self.hear(id).await;
                    }
                }
            }
        }
        let taken: Vec<usize> = self.outbox.iter().copied().take(Redis::BATCH_MAX).collect();
        let batch = taken.iter();
        let batch = batch.map(|at| (learner(*at as u16), self.states[*at].clone()));
        let Ok(shipped) = self.node.redis.ship(batch.collect()).await else {
            return;
        };
        for one in shipped {
            let at = place(one.learner);
            if let Some(news) = &one.joined {
                self.states[at].join(news);
            }
            if one.outcome.is_ok() {
                self.outbox.remove(&at);
            }
        }
    }

    async fn hear(&mut self, id: LearnerId) {
        match self.node.redis.load(id).await {
            Ok(Some(state)) => self.states[place(id)].join(&state),
            Ok(None) => {}
            // Shipping brings back what others know.
            Err(_away) => drop(self.outbox.insert(place(id))),
        }
    }
}

const fn place(learner: LearnerId) -> usize {
    let [high, low, ..] = learner.0;
    (high as usize) << 8 | low as usize
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
