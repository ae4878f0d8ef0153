//! Request targets: what is before the first line feed is the authority, the rest the target.
//!
//! Promises: no panic; a path that is let through has no segment that climbs or hides one, and is
//! routed without a panic.

use lamplight::http::Target;
use lamplight::http::is_authority;
use lamplight::service::route::Route;

pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (authority, raw) = text.split_once('\n').unwrap_or(("", text));
    if is_authority(authority) {
        assert!(authority.is_ascii() && !authority.contains(['/', '@', '"', ' ', '\\']));
    }
    let Ok(target) = Target::parse(raw) else {
        return;
    };
    assert!(target.path.starts_with('/'));
    for segment in target.path.split('/').skip(1) {
        assert!(segment != "." && segment != ".." && !segment.contains(['\\', '\0']));
        assert!(!segment.is_empty() || target.path == "/");
    }
    let _route = Route::of(&target.path);
    for name in ["limit", "after", "q"] {
        let _value = target.parameter(name);
    }
}
