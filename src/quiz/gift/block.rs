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

/// Every block of `text` that holds more than comments and blanks.
pub(crate) fn blocks(text: &str) -> impl Iterator<Item = Block<'_>> {
    let mut lines = (1..).zip(text.lines().map(str::trim));
    let next = move || {
        let mut block = Block::default();
        let mut any = false;
        for (number, line) in lines.by_ref() {
            any = true;
            if line.is_empty() {
                break;
            }
            block.push(number, line);
        }
        any.then_some(block)
    };
    std::iter::from_fn(next).filter(|block| !block.lines.is_empty())
}
