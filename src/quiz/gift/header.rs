//! The quiz's own keys, in comments at the head of the file: Moodle passes over them.

use crate::course::nearest;
use crate::quiz::head::HEAD_KEYS;

/// The comments before the first question as a TOML text, each on its own line of the file so that
/// mistakes are found there; and the comments that look like a mistyped key: line, key, meant key.
pub(crate) fn header(text: &str) -> (String, Vec<(u32, String, &'static str)>) {
    let lines = (1..).zip(text.lines().map(str::trim));
    let lines = lines.take_while(|(_, line)| line.is_empty() || line.starts_with("//"));
    let (mut toml, mut mistyped) = (String::new(), Vec::new());
    let mut at = 1;
    for (number, line) in lines {
        let comment = line.trim_start_matches("//").trim();
        let Some((key, _)) = comment.split_once('=') else {
            continue;
        };
        let key = key.split('.').next().unwrap_or_default().trim();
        if HEAD_KEYS.contains(&key) {
            for _ in at..number {
                toml.push('\n');
            }
            at = number;
            toml.push_str(comment);
        } else if key.len() > 3
            && mistyped.len() < MISTYPED_MAX
            && let Some(meant) = nearest(key, &HEAD_KEYS)
        {
            mistyped.push((number, key.to_owned(), meant));
        }
    }
    (toml, mistyped)
}

/// Mistyped keys that are told.
const MISTYPED_MAX: usize = 10;
