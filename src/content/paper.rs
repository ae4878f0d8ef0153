//! The text a quiz is made of: kept, so that chunk and key can be had when they are asked for,
//! also after the author replaced the file.

use crate::base::digest::Digest;
use crate::course::Language;
use crate::course::Problem;
use crate::quiz::Quiz;
use serde::Deserialize;
use serde::Serialize;

/// A quiz file and what its course says of quizzes. It holds the answers: it is written to the
/// content index, which only the server's user may read, and nowhere else.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Paper {
    /// Below the content folder, as problems name it.
    pub(crate) file: Box<str>,
    text: Box<str>,
    main: Language,
    pass: f64,
}

impl Paper {
    /// The paper `text` of `file`, in a course of that main language that asks for the share
    /// `pass`.
    pub(crate) fn new(file: &str, text: &str, main: &Language, pass: f64) -> Self {
        Self {
            file: file.into(),
            text: text.into(),
            main: main.clone(),
            pass,
        }
    }

    /// A hash of all that it says.
    pub(crate) fn hash(&self) -> Digest {
        Digest::of(&[
            self.file.as_bytes(),
            self.text.as_bytes(),
            self.main.as_str().as_bytes(),
            &self.pass.to_be_bytes(),
        ])
    }

    /// The quiz on it.
    ///
    /// # Errors
    /// What is wrong with it, for its author.
    pub(crate) fn read(&self) -> Result<Quiz, Vec<Problem>> {
        Quiz::parse(&self.file, &self.text, &self.main, self.pass)
    }
}

impl std::fmt::Debug for Paper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Paper({})", self.file)
    }
}
