//! A second try in a fresh browser.

use std::any::Any;
use std::io::Write as _;
use std::panic;
use std::panic::AssertUnwindSafe;

/// Runs `steps`, each time with a server, a browser and a player of its own; where the first try
/// fails, its failure is printed and the second decides.
///
/// # Panics
/// Both tries failed.
pub fn twice(steps: impl Fn()) {
    tried(steps, |words| {
        let thread = std::thread::current();
        let test = thread.name().unwrap_or("a player's test");
        let told =
            format!("\n*** {test} failed and is tried once more in a fresh browser:\n{words}\n\n");
        // Not by `eprintln!`, which is kept back where the test passes in the end.
        std::io::stderr().write_all(told.as_bytes()).ok();
    });
}

fn tried(steps: impl Fn(), tell: impl FnOnce(&str)) {
    if let Err(failure) = panic::catch_unwind(AssertUnwindSafe(&steps)) {
        tell(words(failure.as_ref()));
        steps();
    }
}

/// What a panic said.
fn words(failure: &(dyn Any + Send)) -> &str {
    let text = failure.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| failure.downcast_ref::<&str>().copied());
    text.unwrap_or("(no words)")
}

#[test]
fn a_fault_that_is_there_both_times_fails_and_is_told() {
    for (failures, passes, tells) in [(0, true, 0), (1, true, 1), (2, false, 1)] {
        let (tries, told) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
            let steps = || {
                tries.set(tries.get() + 1);
                assert!(tries.get() > failures, "on purpose");
            };
            tried(steps, |words| {
                assert_eq!(words, "on purpose");
                told.set(told.get() + 1);
            });
        }));
        assert_eq!((outcome.is_ok(), told.get()), (passes, tells));
    }
}
