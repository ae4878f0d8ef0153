//! All that is remembered of one learner and one lesson.

use crate::base::id::DeviceId;
use crate::base::limits::DEVICES_PER_LESSON_MAX;
use crate::progress::Coverage;
use crate::progress::Watched;
use smallvec::SmallVec;

/// Where the learner was, and when: the later one counts, of two at one moment the further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// Unix seconds, by the learner's clock but never ahead of ours.
    pub at_s: u32,
    /// Milliseconds into the lesson; [`END`](Self::END) once the last seconds were reached.
    pub ms: u32,
}

/// Time played and time visible on one device, tenths of a second since the first beat. Both only
/// grow, so of two the one that played more counts, of those the one that was visible longer. (One
/// order, and not each number by itself: else a device that was forgotten and comes back would
/// differ between nodes.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Totals {
    /// Time the lesson played.
    pub played_ds: u32,
    /// Time of it while the page could be seen.
    pub visible_ds: u32,
}

/// What is known of one lesson.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// Which part was watched.
    pub coverage: Coverage,
    /// Where to resume.
    pub position: Position,
    /// Totals of the devices that played most; sorted by device.
    totals: SmallVec<[(DeviceId, Totals); 1]>,
}

impl Position {
    /// The value of `ms` of a lesson that was watched to its end.
    pub const END: u32 = u32::MAX;
    /// Whoever comes so near the end has finished and resumes at the beginning.
    const END_ZONE_MS: u32 = 3000;

    /// A position, known to be the end where it is near it.
    pub const fn new(at_s: u32, ms: u32, length_ms: u32) -> Self {
        let near = ms.saturating_add(Self::END_ZONE_MS) >= length_ms && ms >= length_ms / 2;
        let ms = if near { Self::END } else { ms };
        Self { at_s, ms }
    }
}

impl Record {
    /// Adds one fact.
    pub fn apply(&mut self, device: DeviceId, watched: &Watched) {
        self.coverage.join(&Coverage::new(watched.grain));
        if let Some(span) = watched.span {
            self.coverage.mark(span);
        }
        self.position = self.position.max(watched.position);
        self.join_totals(device, watched.totals);
    }

    /// Adds all that `other` knows.
    pub fn join(&mut self, other: &Self) {
        self.coverage.join(&other.coverage);
        self.position = self.position.max(other.position);
        for (device, totals) in &other.totals {
            self.join_totals(*device, *totals);
        }
    }

    /// The totals of one device, zero if it is not remembered.
    pub fn totals_of(&self, device: DeviceId) -> Totals {
        let found = self.totals.iter().find(|(known, _)| *known == device);
        found.map(|(_, totals)| *totals).unwrap_or_default()
    }

    /// Totals by device, sorted.
    pub fn totals(&self) -> &[(DeviceId, Totals)] {
        &self.totals
    }

    /// Time played and visible on all devices together.
    pub fn sum(&self) -> Totals {
        let add = |sum: Totals, (_, one): &(DeviceId, Totals)| Totals {
            played_ds: sum.played_ds.saturating_add(one.played_ds),
            visible_ds: sum.visible_ds.saturating_add(one.visible_ds),
        };
        self.totals.iter().fold(Totals::default(), add)
    }

    /// Joins one device's totals; of more devices than a lesson remembers, those that played most
    /// stay. Totals only grow, so one that falls out here falls out wherever the same is joined.
    pub fn join_totals(&mut self, device: DeviceId, totals: Totals) {
        if totals == Totals::default() {
            return;
        }
        match self
            .totals
            .binary_search_by_key(&device, |(known, _)| *known)
        {
            Ok(at) => {
                if let Some((_, known)) = self.totals.get_mut(at) {
                    *known = totals.max(*known);
                }
            }
            Err(at) => self.totals.insert(at, (device, totals)),
        }
        if self.totals.len() > DEVICES_PER_LESSON_MAX {
            let ranked = self.totals.iter().enumerate();
            let least = ranked.min_by_key(|(_, (device, totals))| (totals.played_ds, *device));
            if let Some(at) = least.map(|(at, _)| at) {
                self.totals.remove(at);
            }
        }
    }
}
