//! Folding of text for searches.

use crate::course::Course;

/// Text as it is compared: lowercase, Vietnamese letters without their marks, so that somebody
/// without a Vietnamese keyboard finds `Kỹ năng` by `ky nang`.
pub fn fold(text: &str) -> String {
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

/// The text of a course that a search looks through.
pub fn searchable(course: &Course) -> String {
    let mut text = course.id.to_string();
    for (_, words) in course.title.iter().chain(course.summary.iter()) {
        text.push('\n');
        text.push_str(&fold(words));
    }
    text
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
