//! The catalogue's filters: which courses a learner means.

use crate::course::Course;

/// Filters of `/v1/courses`; an empty one lets everything through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Filter {
    /// Language tag that the course is taught in.
    pub(crate) lang: String,
    /// Audience group; a course for nobody in particular is for every group.
    pub(crate) audience: String,
    /// Text to be found in a title or summary, folded.
    pub(crate) text: String,
}

impl Filter {
    /// Whether the course is meant; `folded` is [`crate::course::searchable`] of it.
    pub(crate) fn matches(&self, course: &Course, folded: &str) -> bool {
        let lang = |l: &str| l.eq_ignore_ascii_case(&self.lang);
        (self.lang.is_empty() || course.languages.iter().any(|l| lang(l.as_str())))
            && (self.audience.is_empty()
                || course.audience.is_empty()
                || course.audience.iter().any(|a| a.as_str() == self.audience))
            && folded.contains(&self.text)
    }
}
