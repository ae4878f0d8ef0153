//! What a player tells: the same bytes as a query and as a header field.
//!
//! Promises: no panic; numbers stay within what a bitrate or a time can be; what has no CMCD tells
//! nothing.

use lamplight::http::Cmcd;
use lamplight::http::Fields;

pub(crate) fn run(bytes: &[u8]) {
    if let Ok(query) = std::str::from_utf8(bytes) {
        check(Cmcd::of(query, &Fields::new()));
        let told = Cmcd::of(query, &Fields::new()).is_some();
        let begins = |pair: &str| pair.starts_with("CMCD=");
        assert_eq!(told, query.split('&').any(begins), "{query}");
    }
    if !bytes.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
        check(Cmcd::of("", &Fields::new().with("cmcd-request", bytes)));
    }
}

fn check<E>(told: Option<Result<Cmcd, E>>) {
    let Some(Ok(told)) = told else {
        return;
    };
    for number in [told.bitrate_kbps, told.buffer_ms, told.throughput_kbps] {
        assert!(number.is_none_or(|n| n <= 100_000_000), "{told:?}");
    }
}
