use super::learner;
use super::state;
use crate::store::Export;
use crate::store::Line;
use crate::store::exchange::read;
use proptest::prelude::*;

proptest! {
    #[test]
    fn whatever_is_written_is_read_back_equal(count in 0_u32..20, next in 1_u64..1000) {
        let mut export = Export::begin(Vec::new(), next, 5).unwrap();
        for n in 0..count {
            export.learner(learner(n), &state(n, n)).unwrap();
        }
        let bytes = export.end(3).unwrap();
        let mut lines = Vec::new();
        read(bytes.as_slice(), &mut |line| {
            lines.push(line);
            Ok(())
        })
        .unwrap();
        let mut expected = vec![Line::Head { next_commit: next }];
        expected.extend((0..count).map(|n| Line::Learner(learner(n), Box::new(state(n, n)))));
        expected.push(Line::End { learners: count.into(), complaints: 3 });
        prop_assert_eq!(lines, expected);
        // Cut anywhere, it is noticed.
        for cut in [1, bytes.len() / 2, bytes.len() - 1] {
            prop_assert!(read(&bytes[..cut], &mut |_| Ok(())).is_err());
        }
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(read(bytes.as_slice(), &mut |_| Ok(())).is_err());
    }
}
