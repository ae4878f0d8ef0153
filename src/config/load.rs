//! Reading the layers: file < environment < flags.

use crate::config::Config;
use crate::config::keys::Keys;
use serde::Deserialize as _;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use toml::Table;
use toml::Value;
use toml::de::DeTable;

/// Settings by dotted key, each with the place a mistake is blamed on, e.g. `--set` or the name
/// of an environment variable. Later ones win.
#[derive(Debug, Default, Clone)]
pub struct Overrides(Vec<Override>);

#[derive(Debug, Clone)]
struct Override {
    from: String,
    key: String,
    text: String,
}

/// Why a configuration cannot be used; the message says where and what to write instead.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is wrong at one place.
    #[error("{path}:{line}: {what}")]
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong and how to mend it.
        what: String,
    },
    /// A flag or a variable is wrong.
    #[error("{from}: {what}")]
    Override {
        /// The flag or variable.
        from: String,
        /// What is wrong and how to mend it.
        what: String,
    },
    /// Each value is well-formed, but they cannot be used.
    #[error("{0}")]
    Unusable(String),
}

impl Overrides {
    /// Adds `key = text`; `from` is named in errors.
    pub fn push(&mut self, from: impl Into<String>, key: &str, text: impl Into<String>) {
        let (from, key, text) = (from.into(), key.to_owned(), text.into());
        self.0.push(Override { from, key, text });
    }

    /// Adds every `LAMPLIGHT_…` of `variables`.
    ///
    /// # Errors
    /// A variable that belongs to no key: a setting that silently does nothing is worse.
    pub fn push_variables(
        &mut self,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<(), ConfigError> {
        let keys = Keys::all();
        for (name, text) in variables.filter(|(name, _)| name.starts_with("LAMPLIGHT_")) {
            let found = keys.of_variable(&name).map(|(key, _)| key.to_owned());
            match found {
                Ok(key) => self.push(name, &key, text),
                Err(what) => return Err(ConfigError::Override { from: name, what }),
            }
        }
        Ok(())
    }
}

/// The configuration of `file` (none: the defaults) with `overrides` over it, checked.
///
/// # Errors
/// [`ConfigError`] with file and line, or the flag or variable to blame.
pub fn load(file: Option<&Path>, overrides: &Overrides) -> Result<Config, ConfigError> {
    let mut table = match file {
        Some(path) => {
            let unreadable = |source| ConfigError::Unreadable {
                path: path.to_owned(),
                source,
            };
            let text = std::fs::read_to_string(path).map_err(unreadable)?;
            table(&text).map_err(|Mistake { line, what }| {
                let path = path.to_owned();
                ConfigError::File { path, line, what }
            })?
        }
        None => Table::new(),
    };
    let keys = Keys::all();
    for wanted in &overrides.0 {
        let blame = |what: String| {
            let from = wanted.from.clone();
            ConfigError::Override { from, what }
        };
        let default = keys.default_of(&wanted.key).map_err(blame)?;
        let value = value_like(default, &wanted.text).map_err(blame)?;
        put(&mut table, &wanted.key, value);
        // Read back at once, so that the one to blame is known.
        let read = Config::deserialize(table.clone());
        read.map_err(|error| blame(format!("{}: {}", wanted.key, error.message())))?;
    }
    let config = Config::deserialize(table);
    let config = config.map_err(|error| ConfigError::Unusable(error.message().to_owned()))?;
    config.check().map_err(ConfigError::Unusable)?;
    Ok(config)
}

/// What is wrong with a file's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and how to mend it.
    pub what: String,
}

/// Reads the text of a file over the defaults, without checking values against each other.
///
/// # Errors
/// The topmost unknown key, or the first value that cannot be read.
pub fn read(text: &str) -> Result<Config, Mistake> {
    let read = Config::deserialize(table(text)?);
    read.map_err(|error| Mistake {
        line: 1,
        what: error.message().to_owned(),
    })
}

fn table(text: &str) -> Result<Table, Mistake> {
    parse(text).map_err(|(at, what)| {
        let line = text.get(..at).unwrap_or(text).matches('\n').count() + 1;
        Mistake { line, what }
    })
}

/// A file's table, or the offset and sentence of what is wrong with it.
fn parse(text: &str) -> Result<Table, (usize, String)> {
    let wrong = |error: &toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start);
        (at, error.message().to_owned())
    };
    let document = DeTable::parse(text).map_err(|error| wrong(&error))?;
    if let Some(unknown) = Keys::all().first_unknown(document.get_ref()) {
        return Err(unknown);
    }
    // Reading it as a whole finds wrong types, units and names, with their place.
    toml::from_str::<Config>(text).map_err(|error| wrong(&error))?;
    toml::from_str(text).map_err(|error| wrong(&error))
}

/// `text` as a value of the kind that `default` is. Lists are separated by commas.
fn value_like(default: &Value, text: &str) -> Result<Value, String> {
    let wrong = |what: &str| format!("`{text}` is not {what}");
    match default {
        Value::Integer(_) => {
            let number = text.parse().map(Value::Integer);
            number.map_err(|_cause| wrong("a whole number"))
        }
        Value::Float(_) => text
            .parse()
            .map(Value::Float)
            .map_err(|_cause| wrong("a number")),
        Value::Boolean(_) => {
            let truth = text.parse().map(Value::Boolean);
            truth.map_err(|_cause| wrong("`true` or `false`"))
        }
        Value::Array(_) => {
            let items = text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty());
            Ok(Value::Array(
                items.map(|item| Value::String(item.to_owned())).collect(),
            ))
        }
        Value::String(_) | Value::Datetime(_) | Value::Table(_) => {
            Ok(Value::String(text.to_owned()))
        }
    }
}

/// Sets a dotted key. Tables on the way are there or made; a value in their place was refused
/// before.
fn put(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        None => drop(table.insert(key.to_owned(), value)),
        Some((name, rest)) => {
            let inner = table
                .entry(name)
                .or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::Span;
    use crate::config::keys::variable;

    fn file(text: &str) -> Result<Config, String> {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("lamplight.toml");
        std::fs::write(&path, text).unwrap();
        load(Some(&path), &Overrides::default()).map_err(|error| {
            let text = error.to_string();
            text.rsplit('/').next().unwrap().to_owned()
        })
    }

    fn set(key: &str, text: &str) -> Result<Config, String> {
        let mut overrides = Overrides::default();
        overrides.push("--set", key, text);
        load(None, &overrides).map_err(|error| error.to_string())
    }

    #[test]
    fn the_file_is_over_the_default_the_variable_over_the_file_the_flag_over_all() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("lamplight.toml");
        let text = "[tcp]\nidle_timeout = \"1s\"\nbody_timeout = \"1s\"\nstall_timeout = \"1s\"";
        std::fs::write(&path, text).unwrap();
        let mut overrides = Overrides::default();
        let variables = ["BODY", "STALL"]
            .map(|name| (format!("LAMPLIGHT_TCP_{name}_TIMEOUT"), "2s".to_owned()));
        overrides.push_variables(variables.into_iter()).unwrap();
        overrides.push("--set", "tcp.stall_timeout", "3s");
        let tcp = load(Some(&path), &overrides).unwrap().tcp;
        let got = [
            tcp.header_timeout,
            tcp.idle_timeout,
            tcp.body_timeout,
            tcp.stall_timeout,
        ];
        assert_eq!(got, [10, 1, 2, 3].map(Span::secs));
    }

    #[test]
    fn a_mistake_in_the_file_is_named_with_its_line_and_remedy() {
        let unknown = file("[server]\n\n[tcp]\nidle_timout = \"1s\"").unwrap_err();
        assert!(
            unknown.starts_with("lamplight.toml:4: unknown key"),
            "{unknown}"
        );
        assert!(
            unknown.ends_with("did you mean `tcp.idle_timeout`?"),
            "{unknown}"
        );
        let unit = file("[tcp]\nidle_timeout = \"1 second\"").unwrap_err();
        assert!(
            unit.starts_with("lamplight.toml:2:") && unit.contains("like \"30s\""),
            "{unit}"
        );
        let kind = file("[server]\nworkers = \"two\"").unwrap_err();
        assert!(kind.starts_with("lamplight.toml:2:"), "{kind}");
        let syntax = file("[server]\nworkers 2").unwrap_err();
        assert!(syntax.starts_with("lamplight.toml:2:"), "{syntax}");
        assert!(
            file("[server]\nworkers = 999")
                .unwrap_err()
                .contains("server.workers is 999")
        );
        let missing = load(Some(Path::new("/nowhere.toml")), &Overrides::default());
        assert!(missing.unwrap_err().to_string().contains("cannot read"));
    }

    #[test]
    fn a_mistake_in_a_flag_or_variable_names_it() {
        assert_eq!(set("server.workers", "2").unwrap().server.workers, 2);
        assert!(
            set("server.workers", "two")
                .unwrap_err()
                .starts_with("--set: `two` is not")
        );
        assert!(
            set("server.wokers", "2")
                .unwrap_err()
                .contains("`server.workers`")
        );
        assert!(
            set("server.listen", "here")
                .unwrap_err()
                .starts_with("--set: server.listen")
        );
        let listen = set("server.listen", "127.0.0.1:0, [::1]:0")
            .unwrap()
            .server
            .listen;
        assert_eq!(listen.len(), 2);
        let stray = [("LAMPLIGHT_TCP".to_owned(), String::new())];
        let error = Overrides::default()
            .push_variables(stray.into_iter())
            .unwrap_err();
        assert!(
            error.to_string().starts_with("LAMPLIGHT_TCP: no setting"),
            "{error}"
        );
    }

    #[test]
    fn the_shipped_file_lists_every_key_with_its_default() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/lamplight.toml");
        let config = load(Some(&path), &Overrides::default()).unwrap();
        assert_eq!(config, Config::default());
        let text = std::fs::read_to_string(path).unwrap();
        let table: Table = toml::from_str(&text).unwrap();
        for (key, default) in Keys::all().iter() {
            let (room, name) = key.split_once('.').unwrap();
            let listed = table.get(room).and_then(|room| room.get(name));
            assert!(
                listed.is_some(),
                "config/lamplight.toml lacks {key} = {default}"
            );
        }
    }

    #[test]
    fn every_key_can_be_set_from_the_environment_to_its_own_default() {
        for (key, default) in Keys::all().iter() {
            let text = match default {
                Value::String(text) => text.clone(),
                Value::Array(items) => {
                    let items: Vec<_> = items.iter().filter_map(Value::as_str).collect();
                    items.join(",")
                }
                Value::Integer(_)
                | Value::Float(_)
                | Value::Boolean(_)
                | Value::Datetime(_)
                | Value::Table(_) => default.to_string(),
            };
            let mut overrides = Overrides::default();
            let variables = [(variable(key), text)];
            overrides.push_variables(variables.into_iter()).unwrap();
            assert_eq!(load(None, &overrides).unwrap(), Config::default(), "{key}");
        }
    }
}
