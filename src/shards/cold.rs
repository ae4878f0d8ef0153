//! Where learners rest who are not in memory.

use crate::base::id::LearnerId;
use crate::session::State;
use crate::store::Snapshots;

/// A place of learners at rest. Its calls block; they are made off the workers' loops.
pub trait Cold: Send + Sync {
    /// The state of a learner, `None` if it has none.
    ///
    /// # Errors
    /// A sentence for the log; nothing is known of the learner then.
    fn load(&self, learner: LearnerId) -> Result<Option<State>, String>;

    /// All learners and their states as they are now.
    fn all(&self) -> Box<dyn Iterator<Item = Result<(LearnerId, State), String>> + Send>;

    /// Keeps encoded states; they are on the disk when it returns. Everything that stands in
    /// commits below `mark` is kept with them, or was before.
    ///
    /// # Errors
    /// A sentence for the log; then any of them may be kept or not.
    fn save(&self, batch: &[(LearnerId, Vec<u8>)], mark: u64) -> Result<(), String>;
}

impl Cold for Snapshots {
    fn load(&self, learner: LearnerId) -> Result<Option<State>, String> {
        Self::load(self, learner).map_err(|error| error.to_string())
    }

    fn all(&self) -> Box<dyn Iterator<Item = Result<(LearnerId, State), String>> + Send> {
        Box::new(
            self.iter()
                .map(|one| one.map_err(|error| error.to_string())),
        )
    }

    fn save(&self, batch: &[(LearnerId, Vec<u8>)], mark: u64) -> Result<(), String> {
        Self::save(self, batch, mark).map_err(|error| error.to_string())
    }
}
