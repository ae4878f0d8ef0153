//! The quiz's own keys, in comments at the head of the file: Moodle passes over them.

use crate::course::nearest;
use crate::quiz::gift::block::Block;
use crate::quiz::head::HEAD_KEYS;

/// The comments before the first question as a TOML text, each on its own line of the file so that
/// mistakes are found there; and the comments that look like a mistyped key: line, key, meant key.
pub(crate) fn header(blocks: &[Block<'_>]) -> (String, Vec<(u32, String, &'static str)>) {
    let first = blocks.iter().find(|b| !b.lines.is_empty());
    let end = first.map_or(u32::MAX, Block::line);
    let comments = blocks.iter().flat_map(|b| &b.comments);
    let (mut toml, mut mistyped) = (String::new(), Vec::new());
    let mut at = 1;
    for (number, comment) in comments.take_while(|(number, _)| *number < end) {
        let Some((key, _)) = comment.split_once('=') else {
            continue;
        };
        let key = key.split('.').next().unwrap_or_default().trim();
        if HEAD_KEYS.contains(&key) {
            for _ in at..*number {
                toml.push('\n');
            }
            at = *number;
            toml.push_str(comment);
        } else if key.len() > 3
            && let Some(meant) = nearest(key, &HEAD_KEYS)
        {
            mistyped.push((*number, key.to_owned(), meant));
        }
    }
    (toml, mistyped)
}
