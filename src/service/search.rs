//! Which courses a learner means: folding of text, and the catalogue's filters.

use crate::course::Course;

/// Text as it is compared: lowercase, Vietnamese letters without their marks, so that somebody
/// without a Vietnamese keyboard finds `Kỹ năng` by `ky nang`.
pub(crate) fn fold(text: &str) -> String {
    text.chars()
        .flat_map(char::to_lowercase)
        .filter_map(bare)
        .collect()
}

/// The letter without marks; `None` for a combining mark.
fn bare(letter: char) -> Option<char> {
    if ('\u{300}'..='\u{36f}').contains(&letter) {
        return None;
    }
    let marked = MARKED.iter().find(|(_, letters)| letters.contains(letter));
    Some(marked.map_or(letter, |(base, _)| *base))
}

const MARKED: [(char, &str); 7] = [
    ('a', "àáảãạăằắẳẵặâầấẩẫậ"),
    ('d', "đ"),
    ('e', "èéẻẽẹêềếểễệ"),
    ('i', "ìíỉĩị"),
    ('o', "òóỏõọôồốổỗộơờớởỡợ"),
    ('u', "ùúủũụưừứửữự"),
    ('y', "ỳýỷỹỵ"),
];

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
    /// Whether the course is meant; `folded` is [`searchable`] of it.
    pub(crate) fn matches(&self, course: &Course, folded: &str) -> bool {
        let lang = |l: &str| l.eq_ignore_ascii_case(&self.lang);
        (self.lang.is_empty() || course.languages.iter().any(|l| lang(l.as_str())))
            && (self.audience.is_empty()
                || course.audience.is_empty()
                || course.audience.iter().any(|a| a.as_str() == self.audience))
            && folded.contains(&self.text)
    }
}

/// The text of a course that a search looks through.
pub(crate) fn searchable(course: &Course) -> String {
    let mut text = course.id.to_string();
    for (_, words) in course.title.iter().chain(course.summary.iter()) {
        text.push('\n');
        text.push_str(&fold(words));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_without_a_vietnamese_keyboard_finds_the_course() {
        assert_eq!(fold("Kỹ năng SỐ cơ bản"), "ky nang so co ban");
        assert_eq!(fold("ĐỊNH DANH điện tử"), "dinh danh dien tu");
        // The same words decomposed, as some phones send them.
        assert_eq!(fold("Ky\u{303} na\u{306}ng"), "ky nang");
        assert_eq!(fold("English 3"), "english 3");
    }
}
