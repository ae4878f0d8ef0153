//! Ids as newtypes: whom and what a fact is about.
//!
//! People and attempts are keyed numbers, shown as base64url, devices are UUIDs. Courses, lessons
//! and quizzes are named by slugs in files and URLs; state and journal keep hashes of the slugs, so
//! that a learner's state stays small and a renamed title changes nothing.

use aws_lc_rs::digest;
use data_encoding::BASE64URL_NOPAD;
use std::fmt;

/// A learner: HMAC-SHA-256 of issuer and subject, cut to 128 bits. Nobody without the key gets
/// from it to a person, and it is the only name of a person that is ever stored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LearnerId(pub [u8; 16]);

/// An attempt at a quiz: a keyed function of learner, quiz version and ordinal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(pub [u8; 16]);

/// One device of a learner: a UUID (RFC 9562) that the client made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub [u8; 16]);

/// A course: the first 64 bits of SHA-256 of its slug.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CourseId(pub u64);

/// A lesson within its course: the first 32 bits of SHA-256 of its slug.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LessonId(pub u32);

/// A quiz within its course: the first 32 bits of SHA-256 of its slug.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuizId(pub u32);

impl CourseId {
    /// The id of the course with this slug.
    pub fn of(slug: &str) -> Self {
        Self(first(b"course", slug))
    }
}

impl LessonId {
    /// The id of the lesson with this slug, within its course.
    pub fn of(slug: &str) -> Self {
        Self(high(first(b"lesson", slug)))
    }
}

impl QuizId {
    /// The id of the quiz with this slug, within its course.
    pub fn of(slug: &str) -> Self {
        Self(high(first(b"quiz", slug)))
    }
}

impl DeviceId {
    /// The device whose UUID is `text`: 36 characters with hyphens, in either case; any version.
    /// `None` on anything else, and for the nil UUID, which is nobody's.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: &[u8; 36] = text.as_bytes().try_into().ok()?;
        let mut number: u128 = 0;
        for (at, byte) in bytes.iter().enumerate() {
            if matches!(at, 8 | 13 | 18 | 23) {
                (*byte == b'-').then_some(())?;
            } else {
                let digit = char::from(*byte).to_digit(16)?;
                number = number << 4 | u128::from(digit);
            }
        }
        (number != 0).then(|| Self(number.to_be_bytes()))
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = u128::from_be_bytes(self.0);
        let group = |shift: u32, bits: u32| (n >> shift) & ((1 << bits) - 1);
        let (a, b, c) = (group(96, 32), group(80, 16), group(64, 16));
        write!(
            f,
            "{a:08x}-{b:04x}-{c:04x}-{:04x}-{:012x}",
            group(48, 16),
            group(0, 48)
        )
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text form and parser of ids that are 16 opaque bytes.
macro_rules! opaque {
    ($($id:ty),*) => {$(
        impl $id {
            /// The id shown as `text`: 22 characters of base64url; `None` on anything else.
            pub fn parse(text: &str) -> Option<Self> {
                let mut bytes = [0; 18];
                let room = bytes.get_mut(..BASE64URL_NOPAD.decode_len(text.len()).ok()?)?;
                let len = BASE64URL_NOPAD.decode_mut(text.as_bytes(), room).ok()?;
                bytes.get(..len)?.try_into().ok().map(Self)
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                BASE64URL_NOPAD.encode_display(&self.0).fmt(f)
            }
        }

        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )*};
}

opaque!(LearnerId, AttemptId);

/// Hexadecimal digits, as in logs and exports.
macro_rules! hashed {
    ($($id:ty: $digits:literal),*) => {$(
        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("{:0", $digits, "x}"), self.0)
            }
        }
    )*};
}

hashed!(CourseId: "16", LessonId: "8", QuizId: "8");

/// The first 64 bits of SHA-256 of kind and slug.
fn first(kind: &[u8], slug: &str) -> u64 {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in [b"lamplight ".as_slice(), kind, b"\0", slug.as_bytes()] {
        context.update(part);
    }
    let hash = context.finish();
    hash.as_ref()
        .first_chunk::<8>()
        .map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

const fn high(hash: u64) -> u32 {
    (hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_id_never_changes_or_learners_lose_their_lessons() {
        assert_eq!(
            format!("{:?}", CourseId::of("ky-nang-so")),
            "ad3d595beb059779"
        );
        assert_eq!(format!("{:?}", LessonId::of("mat-khau")), "a8b1ec7f");
        assert_eq!(format!("{:?}", QuizId::of("mat-khau")), "d28cd015");
    }

    #[test]
    fn a_device_is_a_uuid_and_nothing_else() {
        let text = "9B2F0d4e-7a11-4c3d-8e5f-0123456789ab";
        let device = DeviceId::parse(text).unwrap();
        assert_eq!(device.to_string(), text.to_lowercase());
        for bad in [
            "",
            "00000000-0000-0000-0000-000000000000",
            "9b2f0d4e7a114c3d8e5f0123456789ab",
            "9b2f0d4e-7a11-4c3d-8e5f-0123456789aé",
            "9b2f0d4e-7a11-4c3d-8e5f+0123456789ab",
            "+b2f0d4e-7a11-4c3d-8e5f-0123456789ab",
        ] {
            assert!(DeviceId::parse(bad).is_none(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn an_id_reads_back_unchanged_and_has_one_spelling(bytes: [u8; 16], text in "\\PC{0,30}") {
            let learner = LearnerId(bytes);
            prop_assert_eq!(LearnerId::parse(&learner.to_string()), Some(learner));
            prop_assert_eq!(learner.to_string().len(), 22);
            if let Some(read) = AttemptId::parse(&text) {
                prop_assert_eq!(read.to_string(), text);
            }
        }
    }
}
