//! The state of one learner, and how two copies become one.

use crate::base::id::AttemptId;
use crate::base::id::CourseId;
use crate::base::id::DeviceId;
use crate::base::id::LearnerId;
use crate::base::limits::DEVICES_PER_LEARNER_MAX;
use crate::base::limits::UNKNOWN_SECTIONS_MAX;
use crate::progress::Allowance;
use crate::session::AttemptKey;
use crate::session::Course;
use crate::session::Sorted;
use crate::session::attempt_id;

/// Everything the platform knows about one learner. The empty state is `default()`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// Sessions of lower epochs are dead; it outlives the learner's erasure.
    pub epoch: u32,
    /// Raised by erasure; a higher generation replaces a lower one whole.
    pub generation: u32,
    /// Where the learner belongs, as the issuer last said.
    pub profile: Option<Profile>,
    /// Media that may still be claimed; `None` before the first beat.
    pub allowance: Option<Allowance>,
    /// Devices used last.
    pub devices: Sorted<DeviceId, Device>,
    /// Devices signed out last: sessions that began there until then are dead, unix seconds.
    pub signed_out: Sorted<DeviceId, u32>,
    /// Courses the learner is or was enrolled in.
    pub courses: Sorted<CourseId, Course>,
    /// Sections of newer versions, sorted; kept as they are.
    pub(super) unknown: Vec<Section>,
}

/// Locality and unit from the issuer's claims; the last sign-in counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Profile {
    /// When the issuer said so, unix seconds.
    pub at_s: u32,
    /// Commune, province or the like.
    pub locality: Option<Box<str>>,
    /// School, ministry, company.
    pub unit: Option<Box<str>>,
}

/// One device of the learner; of two copies the later counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Device {
    /// When it was last heard of, unix seconds.
    pub seen_s: u32,
    /// The highest sequence number of its beats that was accepted.
    pub accepted: u32,
}

/// A section that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Section {
    /// Its number.
    pub tag: u64,
    /// Its content.
    pub bytes: Box<[u8]>,
}

impl State {
    /// Adds all that another copy knows.
    pub fn join(&mut self, other: &Self) {
        let epoch = self.epoch.max(other.epoch);
        if self.generation < other.generation {
            self.clone_from(other);
        } else if self.generation == other.generation {
            self.profile = self.profile.take().max(other.profile.clone());
            if let Some(theirs) = other.allowance {
                self.allowance.get_or_insert(theirs).join(theirs);
            }
            for (id, device) in other.devices.iter() {
                keep_last(&mut self.devices, id, *device);
            }
            for (id, at_s) in other.signed_out.iter() {
                keep_last(&mut self.signed_out, id, *at_s);
            }
            self.courses.join(&other.courses, Course::join);
            other.unknown.iter().for_each(|section| self.keep(section));
        }
        self.epoch = epoch;
    }

    /// The attempt of this id and its course; `key` and `learner` are what ids are made with. Ids
    /// are not stored: a learner has few attempts that are not settled, so each is tried.
    pub fn find(
        &self,
        key: &[u8; 32],
        learner: LearnerId,
        id: AttemptId,
    ) -> Option<(CourseId, AttemptKey)> {
        let mut all = self.courses.iter().flat_map(|(course, known)| {
            let generation = known.generation;
            let keys = known.attempts.iter();
            keys.map(move |(attempt, _)| (course, generation, attempt))
        });
        let found = all.find(|(course, generation, attempt)| {
            attempt_id(key, learner, (*course, *generation), *attempt) == id
        });
        found.map(|(course, _, attempt)| (course, attempt))
    }

    /// Whether a session of this epoch, begun then on this device, is still good.
    pub fn admits(&self, epoch: u32, device: DeviceId, started_s: u32) -> bool {
        let signed_out_s = self.signed_out.get(device).copied().unwrap_or(0);
        epoch >= self.epoch && started_s > signed_out_s
    }

    /// Keeps an unknown section; of too many, the largest in their order stay, on every node the
    /// same.
    pub(super) fn keep(&mut self, section: &Section) {
        if let Err(at) = self.unknown.binary_search(section) {
            self.unknown.insert(at, section.clone());
            let excess = self.unknown.len().saturating_sub(UNKNOWN_SECTIONS_MAX);
            self.unknown.drain(..excess);
        }
    }
}

/// Keeps the later value of one device and, of more devices than are remembered, those with the
/// latest values. Values only grow in one order, so a device that falls out here falls out wherever
/// the same facts are joined, and comes back with the same value everywhere.
pub(super) fn keep_last<V: Ord + Copy>(map: &mut Sorted<DeviceId, V>, id: DeviceId, value: V) {
    let known = map.entry(id, || value);
    *known = value.max(*known);
    if map.len() > DEVICES_PER_LEARNER_MAX {
        let oldest = map.iter().min_by_key(|(id, value)| (**value, *id));
        if let Some(oldest) = oldest.map(|(id, _)| id) {
            map.retain(|id, _| id != oldest);
        }
    }
}
