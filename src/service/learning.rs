//! The calls of one learner: sessions, progress, quizzes.

use crate::http::Problem;
use crate::http::Request;
use crate::http::Target;
use crate::identity::SessionKeys;
use crate::issuers::Issuers;
use crate::issuers::Mode;
use crate::service::app::Core;
use crate::service::app::Outcome;
use crate::service::app::not_found;
use crate::service::route::Route;
use std::fmt;
use std::sync::Arc;

/// What the calls of learners need; without it they are 404.
pub struct Learning {
    /// Seal and open session tokens.
    pub session_keys: Arc<SessionKeys>,
    /// Whose word is taken for who somebody is.
    pub issuers: Arc<Issuers>,
}

impl Learning {
    /// Whether everybody may sign in under any name.
    pub(crate) fn has_dev_issuer(&self) -> bool {
        self.issuers.config().mode == Mode::Dev
    }
}

impl fmt::Debug for Learning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Learning").finish_non_exhaustive()
    }
}

impl Core {
    /// Answers a call of one learner.
    pub(crate) fn learn(
        &self,
        _request: &Request<'_>,
        _target: &Target<'_>,
        _route: Route<'_>,
    ) -> Result<Outcome, Problem> {
        Err(not_found())
    }
}
