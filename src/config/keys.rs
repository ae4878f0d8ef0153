//! The keys there are: the default configuration, flattened to dotted names.

use crate::config::Config;
use crate::course::nearest;
use std::collections::BTreeMap;
use toml::Table;
use toml::Value;
use toml::de::DeTable;
use toml::de::DeValue;

/// Every key with its default, e.g. `tcp.idle_timeout` → "75s".
pub(super) struct Keys(BTreeMap<String, Value>);

impl Keys {
    /// Those of [`Config`]. Every field has a default, so the default value names them all.
    #[expect(
        clippy::expect_used,
        reason = "the default configuration is plain data; a test"
    )]
    pub(super) fn all() -> Self {
        let table = Table::try_from(Config::default()).expect("the defaults serialise");
        let mut keys = BTreeMap::new();
        flatten("", &table, &mut keys);
        Self(keys)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, default)| (key.as_str(), default))
    }

    /// The default of `key`, or a sentence with the nearest name there is.
    pub(super) fn default_of(&self, key: &str) -> Result<&Value, String> {
        self.0.get(key).ok_or_else(|| self.unknown(key))
    }

    /// The key whose environment variable is `name`.
    pub(super) fn of_variable(&self, name: &str) -> Result<(&str, &Value), String> {
        let mut keys = self.iter();
        keys.find(|(key, _)| variable(key) == name).ok_or_else(|| {
            let names: Vec<_> = self.0.keys().map(|key| variable(key)).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            sentence("no setting belongs to this variable", nearest(name, &names))
        })
    }

    /// The first key of a parsed file that does not exist: its offset and a sentence.
    pub(super) fn first_unknown(&self, table: &DeTable<'_>) -> Option<(usize, String)> {
        self.unknown_in("", table)
    }

    fn unknown_in(&self, prefix: &str, table: &DeTable<'_>) -> Option<(usize, String)> {
        let mut found = table.iter().filter_map(|(name, value)| {
            let key = format!("{prefix}{}", name.get_ref());
            if let DeValue::Table(inner) = value.get_ref()
                && self.is_table(&key)
            {
                return self.unknown_in(&format!("{key}."), inner);
            }
            let known = self.0.contains_key(&key) || self.is_table(&key);
            (!known).then(|| (name.span().start, self.unknown(&key)))
        });
        // The order of a table is not that of the file: report the topmost.
        let first = found.next()?;
        Some(found.fold(first, |a, b| if b.0 < a.0 { b } else { a }))
    }

    fn is_table(&self, key: &str) -> bool {
        let inside = |known: &String| known.strip_prefix(key).is_some_and(|k| k.starts_with('.'));
        self.0.keys().any(inside)
    }

    /// Looks among the names of the same table first: `idle_timout` in `[tcp]`.
    fn unknown(&self, key: &str) -> String {
        let what = format!("unknown key `{key}`");
        let mut names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        if !key.contains('.') {
            names.extend(self.0.keys().filter_map(|known| known.split('.').next()));
        }
        let near = nearest(key, &names);
        // A right name in the wrong table is as likely as a slip of the finger.
        let last = key.rsplit('.').next().unwrap_or(key);
        let same = names
            .iter()
            .find(|name| name.rsplit('.').next() == Some(last));
        sentence(&what, same.copied().or(near))
    }
}

/// `tcp.idle_timeout` → `LAMPLIGHT_TCP_IDLE_TIMEOUT`.
pub(super) fn variable(key: &str) -> String {
    format!("LAMPLIGHT_{}", key.replace('.', "_").to_ascii_uppercase())
}

fn sentence(what: &str, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("{what}; did you mean `{near}`?"),
        None => format!("{what}; `lamplight config check` lists all keys"),
    }
}

fn flatten(prefix: &str, table: &Table, into: &mut BTreeMap<String, Value>) {
    for (name, value) in table {
        let key = format!("{prefix}{name}");
        match value {
            Value::Table(inner) => flatten(&format!("{key}."), inner, into),
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Array(_) => drop(into.insert(key, value.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_keys_share_an_environment_variable() {
        let keys = Keys::all();
        let names: std::collections::BTreeSet<_> = keys.iter().map(|(k, _)| variable(k)).collect();
        assert_eq!(names.len(), keys.iter().count());
    }

    #[test]
    fn a_misspelt_or_misplaced_key_leads_to_the_right_one() {
        let keys = Keys::all();
        let hint = |key| keys.default_of(key).unwrap_err();
        assert!(hint("tcp.idle_timout").contains("`tcp.idle_timeout`"));
        assert!(hint("server.idle_timeout").contains("idle_timeout`"));
        assert!(hint("sever").contains("`server`"));
        assert!(hint("zzzzzzzzz.qqqqqq").contains("config check"));
        assert!(keys.of_variable("LAMPLIGHT_TCP_IDLE_TIMEOUTS").is_err());
        assert_eq!(
            keys.of_variable("LAMPLIGHT_LOG_LEVEL").unwrap().0,
            "log.level"
        );
    }
}
