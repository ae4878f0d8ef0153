//! `lamplight config check`: what is in effect, and what it takes of the machine.

use crate::command::Exit;
use crate::command::print;
use crate::config;
use crate::config::Config;
use crate::config::Overrides;
use crate::config::memory;
use crate::config::memory::Machine;
use crate::config::memory::people;
use std::fmt::Write as _;
use std::path::Path;

/// Prints the configuration of `file` and the environment, or what is wrong with it.
pub fn config_check(
    file: Option<&Path>,
    variables: impl Iterator<Item = (String, String)>,
) -> Exit {
    let mut overrides = Overrides::default();
    let loaded = overrides
        .push_variables(variables)
        .and_then(|()| config::load(file, &overrides));
    match loaded {
        Ok(config) => {
            print::answer(report(&config, &Machine::read()));
            Exit::Done
        }
        Err(error) => {
            print::complain(error);
            Exit::Failed
        }
    }
}

/// A TOML file of the settings in effect with the memory as comments below.
fn report(config: &Config, machine: &Machine) -> String {
    let mut text = toml::to_string(config).unwrap_or_default();
    let estimate = memory::estimate(config, machine);
    text.push_str("\n# Memory when every bound is reached:\n");
    for (what, size) in estimate
        .parts
        .iter()
        .filter(|(_, size)| size.as_bytes() > 0)
    {
        // Writing to a string cannot fail.
        let _ok = writeln!(text, "# {:>10}  {what}", people(*size));
    }
    let _ok = writeln!(text, "# {:>10}  in all", people(estimate.total));
    if let Some(memory) = machine.memory {
        let _ok = writeln!(text, "# {:>10}  has this machine", people(memory));
    }
    for warning in &estimate.warnings {
        let _ok = writeln!(text, "# warning: {warning}");
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_can_be_used_as_a_file() {
        let text = report(&Config::default(), &Machine::default());
        assert_eq!(toml::from_str::<Config>(&text).unwrap(), Config::default());
        assert!(
            text.contains("#    6.8 GiB  450000 idle HTTP/3 connections"),
            "{text}"
        );
    }
}
