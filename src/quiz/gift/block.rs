//! A file cut into blocks at blank lines.

/// Lines that belong together: one question with the comments among it, or comments alone.
#[derive(Debug, Default)]
pub(crate) struct Block<'t> {
    /// Lines that are no comment, with their numbers from 1.
    pub(crate) lines: Vec<(u32, &'t str)>,
    /// Comments without their slashes.
    pub(crate) comments: Vec<(u32, &'t str)>,
}

impl<'t> Block<'t> {
    /// Number of its first line that is no comment.
    pub(crate) fn line(&self) -> u32 {
        self.lines.first().map_or(1, |(number, _)| *number)
    }

    /// Bytes of what is no comment.
    pub(crate) fn len(&self) -> usize {
        self.lines.iter().map(|(_, line)| line.len() + 1).sum()
    }

    fn push(&mut self, number: u32, line: &'t str) {
        match line.strip_prefix("//") {
            Some(comment) => self.comments.push((number, comment.trim())),
            None => self.lines.push((number, line)),
        }
    }
}

/// Every block of `text` that holds more than blanks.
pub(crate) fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut block = Block::default();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() {
            blocks.push(std::mem::take(&mut block));
        } else {
            block.push(number, line);
        }
    }
    blocks.push(block);
    blocks.retain(|block| !block.lines.is_empty() || !block.comments.is_empty());
    blocks
}
