//! What a learner costs while nobody asks for them.

#[path = "../benches/typical/mod.rs"]
mod typical;

use lamplight::session::State;

/// A learner at rest is one boxed slice: its bytes, the fat pointer, and what the allocator adds
/// (8 bytes of header, rounded up to 16).
#[test]
fn the_typical_learner_rests_in_less_than_a_kibibyte() {
    let learner = typical::learner();
    let mut bytes = Vec::new();
    learner.encode(&mut bytes);
    let resident = (bytes.len() + 8).next_multiple_of(16) + size_of::<Box<[u8]>>();
    println!("{} bytes encoded, {resident} at rest", bytes.len());
    assert!(resident <= 1024, "{resident} bytes at rest");
    let lessons = learner.courses.values().map(|course| course.lessons.len());
    assert_eq!(lessons.sum::<usize>(), 45);
    assert!(State::decode(&bytes).is_ok_and(|read| read == learner));
}
