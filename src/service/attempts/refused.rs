//! Why nothing came of a wish about an attempt, and what the learner is told.

use crate::content::SheetName;
use crate::http::Problem;
use crate::http::ProblemKind;
use crate::quiz::Misfit;
use crate::session::AnswerRefusal;
use crate::session::OpenRefusal;

/// Why nothing came of it; the state is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// Not an attempt of this learner, or not any more.
    #[error("the learner has no such attempt; closed ones are forgotten after a while")]
    NoAttempt,
    /// Not an item of the quiz.
    #[error("the quiz has no such item")]
    NoItem,
    /// The answer is of another kind than the item asks for, or beyond it.
    #[error("`{0}`: {1}")]
    Misfit(&'static str, Misfit),
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenRefusal),
    /// It is not taken.
    #[error(transparent)]
    Answer(#[from] AnswerRefusal),
    /// The device has answered what this node has not seen.
    #[error("answers were given that this node has not seen: {}", .0.join(", "))]
    Missing(Vec<String>),
    /// The version that the attempt was opened with has to be read from the disk first.
    #[error("the paper has to be read first")]
    Fetch(SheetName),
    /// It was opened on another node, and replaced here.
    #[error("this node does not have the version of the quiz that the attempt was opened with")]
    NoPaper,
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let problem = Self::new(kind(&refused), refused.to_string());
        match refused {
            Refused::Open(OpenRefusal::NotYet { wait_ms }) => problem.with_retry_after_ms(wait_ms),
            Refused::Fetch(_) | Refused::NoPaper => problem.with_retry_after_ms(2000),
            Refused::NoAttempt
            | Refused::NoItem
            | Refused::Misfit(..)
            | Refused::Open(_)
            | Refused::Answer(_)
            | Refused::Missing(_) => problem,
        }
    }
}

const fn kind(refused: &Refused) -> ProblemKind {
    match refused {
        Refused::NoAttempt | Refused::NoItem => ProblemKind::NotFound,
        Refused::Misfit(..) => ProblemKind::BadContent,
        Refused::Open(refusal) => match refusal {
            OpenRefusal::NotEnrolled => ProblemKind::NotEligible,
            OpenRefusal::NotYet { .. } => ProblemKind::QuizNotOpen,
            OpenRefusal::Over => ProblemKind::QuizClosed,
            OpenRefusal::UsedUp(_) => ProblemKind::LimitReached,
            OpenRefusal::TooManyOpen | OpenRefusal::TooManyUngraded => ProblemKind::Unfinished,
        },
        Refused::Answer(refusal) => match refusal {
            AnswerRefusal::NoAttempt | AnswerRefusal::NoItem => ProblemKind::NotFound,
            AnswerRefusal::Closed => ProblemKind::AttemptClosed,
            AnswerRefusal::TooLate { .. } => ProblemKind::TimeOver,
            AnswerRefusal::Conflict(_) => ProblemKind::AnswerConflict,
            AnswerRefusal::TooLarge => ProblemKind::ContentTooLarge,
        },
        Refused::Missing(_) => ProblemKind::AnswersMissing,
        Refused::Fetch(_) | Refused::NoPaper => ProblemKind::ContentUnavailable,
    }
}
