//! The `lamplight` binary: flags, one command, an exit code.

fn main() {}
