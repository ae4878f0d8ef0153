//! Where commands write: their answer to standard output, what went wrong to standard error.

/// A line of a command's answer. A closed pipe (`| head`) is the reader's choice, not an error.
pub(super) fn answer(line: impl std::fmt::Display) {
    use std::io::Write as _;
    drop(writeln!(std::io::stdout(), "{line}"));
}

/// A line about what went wrong.
pub(super) fn complain(line: impl std::fmt::Display) {
    use std::io::Write as _;
    drop(writeln!(std::io::stderr(), "lamplight: {line}"));
}
