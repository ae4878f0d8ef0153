//! What is asked for: the list of resources and the seeded choices; same seed, same plan.

use crate::target::Target;
use crate::target::TargetError;
use crate::target::origin_form;
use std::fs;
use std::path::Path;

/// Resources of one run; more would only blur the list, not the load.
const RESOURCES_MAX: usize = 1_000_000;

/// One thing to ask for and what is known of its content beforehand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resource {
    /// Request target.
    pub(crate) path: String,
    /// Bytes of content, if given.
    pub(crate) length: Option<u64>,
    /// SHA-256 of the content, if given.
    pub(crate) sha256: Option<[u8; 32]>,
}

/// Why a list of resources is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    /// The file cannot be read.
    #[error("cannot read the URL list {path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// One line is not `PATH [LENGTH] [SHA256]`.
    #[error("{path}:{line}: {what}; a line is `PATH [LENGTH] [SHA-256 in hex]`")]
    Line {
        /// The file.
        path: String,
        /// Counted from one.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// No line names a resource, or too many do.
    #[error("the URL list {path} holds {found} resources; 1 to {RESOURCES_MAX} are usable")]
    Count {
        /// The file.
        path: String,
        /// How many it holds.
        found: usize,
    },
}

/// The resource of the target's own path.
pub(crate) fn single(target: &Target) -> Vec<Resource> {
    vec![Resource {
        path: target.path.clone(),
        length: None,
        sha256: None,
    }]
}

/// Reads a list; blank lines and lines beginning with `#` are skipped.
pub(crate) fn read(file: &Path, target: &Target) -> Result<Vec<Resource>, PlanError> {
    let path = file.display().to_string();
    let text = fs::read_to_string(file).map_err(|source| PlanError::Unreadable {
        path: path.clone(),
        source,
    })?;
    let lines = text.lines().map(str::trim).enumerate();
    let meant = lines.filter(|(_, l)| !l.is_empty() && !l.starts_with('#'));
    let parsed = meant.map(|(index, line)| {
        parse_line(line, target).map_err(|what| PlanError::Line {
            path: path.clone(),
            line: index + 1,
            what,
        })
    });
    let resources = parsed.collect::<Result<Vec<_>, _>>()?;
    match resources.len() {
        1..=RESOURCES_MAX => Ok(resources),
        found => Err(PlanError::Count { path, found }),
    }
}

fn parse_line(line: &str, target: &Target) -> Result<Resource, String> {
    let mut words = line.split_ascii_whitespace();
    let place = words.next().unwrap_or_default();
    let says = |e: TargetError| e.to_string();
    let path = if place.starts_with("https://") {
        let url: Target = place.parse().map_err(says)?;
        if url.authority != target.authority {
            return Err(format!(
                "`{}` is not the target {}",
                url.authority, target.authority
            ));
        }
        url.path
    } else {
        origin_form(place).map_err(says)?
    };
    let mut resource = Resource {
        path,
        length: None,
        sha256: None,
    };
    for word in words {
        if word.len() == 64 {
            let digest = unhex(word).ok_or_else(|| format!("`{word}` is not a SHA-256"))?;
            resource.sha256 = Some(digest);
        } else {
            let length = word.parse();
            resource.length = Some(length.map_err(|_digits| format!("`{word}` is not a length"))?);
        }
    }
    Ok(resource)
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    for (at, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(out)
}

/// Lowercase hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Seeded choices (SplitMix64): not secret, only reproducible and well spread.
#[derive(Debug, Clone)]
pub(crate) struct Choice(u64);

impl Choice {
    /// The choices of one thread of one run.
    pub(crate) const fn new(seed: u64, thread: u64) -> Self {
        Self(seed ^ thread.wrapping_mul(0xd6e8_feb8_6659_fd93))
    }

    /// A number below `n`; zero for an empty range.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        let wide = u128::from(self.next()) * n as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        "https://localhost:4433/".parse().unwrap()
    }

    #[test]
    fn lines_name_paths_lengths_and_digests() {
        let digest = "ab".repeat(32);
        let line = format!("https://localhost:4433/a 200 {digest}");
        let resource = parse_line(&line, &target()).unwrap();
        assert_eq!(resource.path, "/a");
        assert_eq!(resource.length, Some(200));
        assert_eq!(resource.sha256, Some([0xab; 32]));
    }

    #[test]
    fn a_list_cannot_send_load_to_another_host() {
        let foreign = parse_line("https://192.0.2.1/x", &target()).unwrap_err();
        assert!(foreign.contains("is not the target"), "{foreign}");
        assert!(parse_line("/x many", &target()).is_err());
        assert!(parse_line(&format!("/x {}", "zz".repeat(32)), &target()).is_err());
    }

    #[test]
    fn same_seed_same_plan_and_all_are_chosen_about_equally() {
        let draw = |seed| {
            let mut choice = Choice::new(seed, 1);
            (0..10_000).map(|_| choice.below(10)).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let of = |n| draw(7).iter().filter(|c| **c == n).count();
        assert!((0..10).all(|n| (800..1_200).contains(&of(n))));
        assert_eq!(Choice::new(1, 1).below(0), 0);
    }
}
