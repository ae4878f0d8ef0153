//! What must be true in the end.

use crate::node::Node;
use crate::person::COURSE;
use crate::person::ITEMS;
use crate::world::HEARD_MS;
use crate::world::World;
use lamplight::base::id::LearnerId;
use lamplight::session::State;
use lamplight::store::redis::read;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

impl World {
    /// Every node that has the learner in memory knows of the sign-out; the others will load it.
    pub(crate) fn check_signed_out(&self) -> Result<(), String> {
        let learner = self.people[0].learner;
        let epoch = self.in_redis(learner)?.epoch;
        let here = self.nodes.iter().map(|node| node.memory.get(&learner));
        let here: Vec<_> = here.map(|state| state.map(|state| state.epoch)).collect();
        match here.iter().flatten().all(|known| *known == epoch) {
            true => Ok(()),
            false => Err(format!(
                "{HEARD_MS} ms after a sign-out to epoch {epoch} the nodes know {here:?}"
            )),
        }
    }

    /// Nothing acknowledged is lost, nothing counts twice, copies are one, and all came through.
    pub(crate) fn check(mut self) -> Result<(), String> {
        let mut merged = BTreeMap::new();
        for person in &self.people {
            merged.insert(person.learner, self.in_redis(person.learner)?);
            if let Some(command) = person.command() {
                return Err(format!(
                    "{:?} never got through: {command:?}",
                    person.learner
                ));
            }
        }
        self.contains_all(&merged, "Redis")?;
        for (learner, state) in &merged {
            counts_once(state).map_err(|what| format!("{learner:?}: {what}"))?;
            for (number, node) in self.nodes.iter().enumerate() {
                if node.memory.get(learner).is_some_and(|mine| mine != state) {
                    return Err(format!("node {number} and Redis differ about {learner:?}"));
                }
            }
        }
        // And all of it once more from the nodes' disks alone, after a power cut.
        let mut on_disks = BTreeMap::new();
        for node in &mut self.nodes {
            node.disk.journal.crash(&mut self.random);
            node.start(false)?;
            add_all(&mut on_disks, node);
        }
        self.contains_all(&on_disks, "the nodes' disks")
    }

    fn in_redis(&self, learner: LearnerId) -> Result<State, String> {
        let value = self.redis.values.get(&learner);
        let value = value.ok_or_else(|| format!("Redis has nothing of {learner:?}"))?;
        read(learner, value).map_err(|error| error.to_string())
    }

    fn contains_all(&self, known: &BTreeMap<LearnerId, State>, who: &str) -> Result<(), String> {
        for (learner, effect) in &self.acknowledged {
            let state = known.get(learner).cloned().unwrap_or_default();
            let mut with = state.clone();
            with.apply(effect);
            if with != state {
                return Err(format!("{who} lost {effect:?} of {learner:?}"));
            }
        }
        Ok(())
    }
}

fn add_all(known: &mut BTreeMap<LearnerId, State>, node: &Node) {
    let learners = node.memory.keys().chain(node.disk.snapshots.keys());
    let learners: BTreeSet<LearnerId> = learners.copied().collect();
    for learner in learners {
        let state = node.state(learner).unwrap_or_default();
        known.entry(learner).or_default().join(&state);
    }
}

/// No attempt and no answer counts twice.
fn counts_once(state: &State) -> Result<(), String> {
    let Some(course) = state.courses.get(COURSE) else {
        return Ok(());
    };
    let ordinals: Vec<u16> = course.attempts.iter().map(|(key, _)| key.ordinal).collect();
    let distinct: BTreeSet<u16> = ordinals.iter().copied().collect();
    if distinct.len() != ordinals.len() || ordinals.len() > 2 {
        return Err(format!("attempts {ordinals:?}, of two that are allowed"));
    }
    for attempt in course.attempts.values() {
        let counted = attempt.counted();
        let given = counted
            .iter()
            .map(|(_, answer)| (answer.device, answer.seq));
        let given: BTreeSet<_> = given.collect();
        let is_foreign = counted
            .iter()
            .any(|(item, answer)| item >= ITEMS || answer.seq as u16 % ITEMS != (item + 1) % ITEMS);
        if given.len() != counted.len() || is_foreign {
            return Err(format!("answers {counted:?}"));
        }
    }
    Ok(())
}
