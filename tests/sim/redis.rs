//! A model of the server: what the script and the stream do, and how it forgets.

use lamplight::base::id::LearnerId;
use lamplight::store::redis::Reply;
use lamplight::store::redis::Stored;
use std::collections::BTreeMap;

#[derive(Default)]
pub(crate) struct Model {
    pub(crate) values: BTreeMap<LearnerId, Vec<u8>>,
    /// Place, who says it, of whom.
    news: Vec<(u64, u64, Vec<LearnerId>)>,
    place: u64,
    /// Changes when it is restarted or emptied.
    pub(crate) server: u64,
    pub(crate) down: bool,
    /// Until when it neither reads nor answers.
    pub(crate) hangs_until: u64,
    /// What it would find on its disk.
    saved: BTreeMap<LearnerId, Vec<u8>>,
}

/// What a node asks.
#[derive(Clone)]
pub(crate) enum Ask {
    Greet,
    /// Learner, expected, value.
    Write(Vec<(LearnerId, Vec<u8>, Vec<u8>)>),
    Tell(u64, Vec<LearnerId>),
    Load(LearnerId),
    Look(u64),
}

/// What it hears.
#[derive(Clone)]
pub(crate) enum Said {
    Welcome {
        server: u64,
        place: u64,
    },
    Wrote(Vec<Reply>),
    Told,
    Loaded(LearnerId, Option<Vec<u8>>),
    News {
        server: u64,
        place: u64,
        by_others: Vec<LearnerId>,
    },
}

impl Model {
    /// `blind`: it overwrites whatever is there.
    pub(crate) fn answer(&mut self, who: u64, ask: Ask, blind: bool) -> Said {
        match ask {
            Ask::Greet => Said::Welcome {
                server: self.server,
                place: self.place,
            },
            Ask::Write(writes) => {
                let replies = writes.into_iter().map(|write| self.write(write, blind));
                Said::Wrote(replies.collect())
            }
            Ask::Tell(by, learners) => {
                self.place += 1;
                self.news.push((self.place, by, learners));
                Said::Told
            }
            Ask::Load(learner) => Said::Loaded(learner, self.values.get(&learner).cloned()),
            Ask::Look(place) => {
                let fresh = self
                    .news
                    .iter()
                    .filter(|(at, by, _)| *at > place && *by != who);
                Said::News {
                    server: self.server,
                    place: self.place,
                    by_others: fresh.flat_map(|(.., learners)| learners).copied().collect(),
                }
            }
        }
    }

    fn write(&mut self, write: (LearnerId, Vec<u8>, Vec<u8>), blind: bool) -> Reply {
        let (learner, expected, value) = write;
        let Some(seen) = self.values.get(&learner) else {
            self.values.insert(learner, value);
            return Reply::Stored(Stored::Fresh);
        };
        if seen[..8] == value[..8] {
            return Reply::Stored(Stored::Same);
        }
        if seen[..8] != expected[..] && !blind {
            return Reply::Found(seen.clone());
        }
        self.values.insert(learner, value);
        Reply::Stored(Stored::Replaced)
    }

    /// What it has now goes to its disk.
    pub(crate) fn save(&mut self) {
        self.saved.clone_from(&self.values);
    }

    /// Comes up again with what was on its disk, or with nothing.
    pub(crate) fn restart(&mut self, empty: bool) {
        self.down = false;
        self.forget();
        if !empty {
            self.values.clone_from(&self.saved);
        }
    }

    /// FLUSHALL.
    pub(crate) fn forget(&mut self) {
        self.values.clear();
        self.news.clear();
        self.place = 0;
        self.server += 1;
    }
}
