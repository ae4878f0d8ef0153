//! What is right.

use std::fmt;

/// The key of a quiz: one entry an item, in the order of the public chunk. Its `Debug` form hides
/// the answers, so that no log ever tells them.
#[derive(Clone, PartialEq, Default)]
pub struct Key {
    /// Id of the item and what is right.
    pub(crate) items: Vec<(String, ItemKey)>,
}

/// What is right for one item. Positions count from 0 in the order of the public chunk.
#[derive(Clone, PartialEq)]
pub enum ItemKey {
    /// `one`, `many`: positions of the right options, rising.
    Options(Vec<u32>),
    /// `tf`: whether the statement is true.
    Truth(bool),
    /// `num`: the value and how far off an answer may be.
    Number {
        /// The value.
        value: f64,
        /// Largest difference that still counts, from 0.
        tolerance: f64,
    },
    /// `text`: accepted answers; compared without regard to case and surrounding blanks.
    Texts(Vec<String>),
    /// `match`: for each left entry the position of its right one.
    Pairs(Vec<u32>),
    /// `order`: positions of the options in their right order.
    Order(Vec<u32>),
}

impl Key {
    /// Number of items.
    pub const fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is no item.
    pub const fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// What is right for the item of that id.
    pub fn item(&self, id: &str) -> Option<&ItemKey> {
        let found = self.items.iter().find(|(name, _)| name == id);
        found.map(|(_, key)| key)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} items)", self.items.len())
    }
}

impl fmt::Debug for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ItemKey")
    }
}
