//! A small map as a sorted list: no allocation when empty, equal maps are equal bytes.

/// Keys with values, sorted; look-ups are binary searches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sorted<K, V> {
    entries: Vec<(K, V)>,
}

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        let entries = Vec::new();
        Self { entries }
    }
}

impl<K: Ord + Copy, V> Sorted<K, V> {
    /// The value of `key`.
    pub fn get(&self, key: K) -> Option<&V> {
        let at = self.find(key).ok()?;
        self.entries.get(at).map(|(_, value)| value)
    }

    /// The value of `key`, to change.
    pub fn get_mut(&mut self, key: K) -> Option<&mut V> {
        let at = self.find(key).ok()?;
        self.entries.get_mut(at).map(|(_, value)| value)
    }

    /// Puts `value` at `key` if nothing is there; gives what is there then.
    #[expect(
        clippy::indexing_slicing,
        reason = "the place was just found or filled"
    )]
    pub fn entry(&mut self, key: K, value: impl FnOnce() -> V) -> &mut V {
        let at = match self.find(key) {
            Ok(at) => at,
            Err(at) => {
                self.entries.insert(at, (key, value()));
                at
            }
        };
        &mut self.entries[at].1
    }

    /// Adds all of `other`; what both have is joined by `join`.
    pub fn join(&mut self, other: &Self, mut join: impl FnMut(&mut V, &V))
    where
        V: Clone,
    {
        for (key, value) in &other.entries {
            match self.find(*key) {
                Ok(at) => {
                    if let Some((_, mine)) = self.entries.get_mut(at) {
                        join(mine, value);
                    }
                }
                Err(at) => self.entries.insert(at, (*key, value.clone())),
            }
        }
    }

    /// Keeps the entries that `keep` wants.
    pub fn retain(&mut self, mut keep: impl FnMut(K, &V) -> bool) {
        self.entries.retain(|(key, value)| keep(*key, value));
    }

    /// Entries in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (K, &V)> + Clone {
        self.entries.iter().map(|(key, value)| (*key, value))
    }

    /// Values in the order of their keys.
    pub fn values(&self) -> impl Iterator<Item = &V> + Clone {
        self.entries.iter().map(|(_, value)| value)
    }

    /// How many entries there are.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn find(&self, key: K) -> Result<usize, usize> {
        // Facts mostly arrive in the order of their keys' making; append without a search.
        match self.entries.last() {
            Some((last, _)) if *last < key => Err(self.entries.len()),
            _ => self.entries.binary_search_by_key(&key, |(known, _)| *known),
        }
    }
}

impl<K: Ord + Copy, V> FromIterator<(K, V)> for Sorted<K, V> {
    fn from_iter<T: IntoIterator<Item = (K, V)>>(pairs: T) -> Self {
        let mut map = Self::default();
        for (key, value) in pairs {
            map.entry(key, || value);
        }
        map
    }
}
