//! The `lamplight-loadtest` binary: honest load for HTTP/3 servers.

fn main() {}
