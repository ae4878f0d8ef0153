//! Every hard ceiling of the process, in one place.
//!
//! Configuration lies below these and is checked at start against the machine's memory; the
//! relations between ceilings are proved at compile time at the end of the file. A bound is met by
//! refusing the newcomer with a reason and counting it, never by failing those inside.

/// Live connections of one process, QUIC and TCP together.
pub const CONNECTIONS_MAX: usize = 1_000_000;
/// Workers of one process; the worker number is six bits of every connection id.
pub const WORKERS_MAX: usize = 64;
/// Request streams a peer may have open on a quiet connection (costs memory on idle connections).
pub const STREAMS_PER_CONNECTION_MIN: u32 = 8;
/// Request streams a peer may have open under pressure (RFC 9114, 6.1 asks for at least 100).
pub const STREAMS_PER_CONNECTION_MAX: u32 = 128;
/// The same over HTTP/2 for a configured edge, which asks for many learners at once.
pub const STREAMS_PER_EDGE_CONNECTION_MAX: u32 = 1024;
/// Bytes of one field section, counted as RFC 9114, 4.2.2 does (name + value + 32 a field).
pub const HEADER_BYTES_MAX: usize = 64 * 1024;
/// Header fields in one message.
pub const HEADER_FIELDS_MAX: usize = 128;
/// Bytes of a request target (path and query).
pub const TARGET_BYTES_MAX: usize = 8 * 1024;
/// Ranges of one request that are answered as such; with more, the whole is sent.
pub const RANGES_MAX: usize = 16;
/// Keys of one purge of the chunk cache.
pub const PURGE_KEYS_MAX: usize = 256;
/// Bytes of a player's CMCD that are read, for each place it may stand in.
pub const CMCD_BYTES_MAX: usize = 2 * 1024;
/// Bytes of the largest request body any route accepts.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Bytes of half-received requests (heads and content) one connection may have held; more is
/// refused with 503, so that a hundred slow uploads cost no more than a few.
pub const REQUEST_BYTES_HELD_MAX: usize = 256 * 1024;
/// Bytes one connection may have queued for sending before a reply's source is asked for more.
pub const SEND_WINDOW_BYTES_MAX: u64 = 1024 * 1024;
/// Bytes of a segment, playlist or document held whole in memory.
pub const CHUNK_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of `moov` and all `moof` read from one media file.
pub const MEDIA_INDEX_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of one public quiz chunk.
pub const QUIZ_CHUNK_BYTES_MAX: usize = 16 * 1024;
/// Bytes of explanations and feedback kept with the key of one quiz.
pub const QUIZ_KEY_BYTES_MAX: usize = 256 * 1024;
/// Versions of quizzes that are kept because somebody sat them; names of all are in memory.
pub const PAPERS_MAX: usize = 100_000;
/// Those of them that are held in memory after they were read.
pub const PAPERS_READ_MAX: usize = 256;
/// Bytes of one kept paper; its JSON may spell every byte of the author's file in six.
pub const PAPER_BYTES_MAX: u64 = 6 * COURSE_FILE_BYTES_MAX + 4096;
/// Bytes of a course, lesson, quiz or caption file.
pub const COURSE_FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Samples (frames) of one track; a day of 60 frames a second is a third of it.
pub const MEDIA_SAMPLES_MAX: usize = 16 * 1024 * 1024;
/// Fragments (`moof`) of one media file; a day of one a second is less.
pub const MEDIA_FRAGMENTS_MAX: u32 = 100_000;
/// Tracks of sound of one media file that are looked at.
pub const MEDIA_SOUNDS_MAX: usize = 8;
/// Segments of one track; a day of 4-second segments is a fifth of it.
pub const MEDIA_SEGMENTS_MAX: usize = 100_000;
/// Seconds of one segment; nobody on a weak network waits for a longer one.
pub const SEGMENT_S_MAX: u64 = 60;
/// Courses of one content folder.
pub const COURSES_MAX: usize = 10_000;
/// Entries of one folder that the content scan looks at.
pub const FOLDER_ENTRIES_MAX: usize = 10_000;
/// Bytes of one reading page's HTML.
pub const READING_PAGE_BYTES_MAX: usize = 1024 * 1024;
/// Files and folders of one course that the content scan looks at.
pub const COURSE_ENTRIES_MAX: usize = 100_000;
/// Bytes of one course in the content index.
pub const INDEX_RECORD_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Files of the content folder held open between reads.
pub const CONTENT_FILES_OPEN_MAX: usize = 256;
/// Lessons and quizzes that were replaced and are still served under their former versions.
pub const REPLACED_MAX: usize = 10_000;
/// Tracks (renditions, audio) of one lesson.
pub const TRACKS_PER_LESSON_MAX: usize = 32;
/// Bytes of an id in a URL.
pub const SLUG_BYTES_MAX: usize = 64;
/// Bytes of an attachment served from memory; larger ones are read as they are sent.
pub const ATTACHMENT_WHOLE_BYTES_MAX: u64 = 1024 * 1024;
/// Courses in one page of the catalogue.
pub const CATALOGUE_PAGE_MAX: usize = 200;
/// Bytes of a search text or filter value in a catalogue query.
pub const CATALOGUE_QUERY_BYTES_MAX: usize = 200;
/// Catalogue replies that one worker keeps prepared; they depend on the host that was asked for.
pub const CATALOGUE_REPLIES_MAX: usize = 256;
/// Bytes of a JWT; broker's tokens with many roles reach 4 KiB.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// Bytes of an issuer's JWK set; certificates in `x5c` make the large ones.
pub const KEY_SET_BYTES_MAX: usize = 256 * 1024;
/// Keys of one JWK set.
pub const KEY_SET_KEYS_MAX: usize = 64;
/// Issuers whose tokens are believed.
pub const ISSUERS_MAX: usize = 16;
/// Bytes of a text claim that is kept or hashed (`sub`, locality, unit) and of a key's name.
pub const CLAIM_BYTES_MAX: usize = 255;
/// Audiences of one token.
pub const AUDIENCES_MAX: usize = 32;
/// Loose edges of watched intervals that one lesson keeps until their bucket is full.
pub const COVERAGE_PIECES_MAX: usize = 128;
/// Devices whose totals one lesson remembers; those that played most stay.
pub const DEVICES_PER_LESSON_MAX: usize = 4;
/// Devices of one learner that are remembered; those used last stay.
pub const DEVICES_PER_LEARNER_MAX: usize = 16;
/// Beats of one call.
pub const BEATS_PER_CALL_MAX: usize = 500;
/// Other devices of a learner that may be in use when one more signs in.
pub const SIGN_INS_PER_LEARNER_MAX: usize = 8;
/// Courses one learner may have been enrolled in.
pub const COURSES_PER_LEARNER_MAX: usize = 256;
/// Lessons of one course that a state holds; far more than any course has.
pub const LESSONS_PER_COURSE_MAX: usize = 4096;
/// Quizzes of one course that a state holds.
pub const QUIZZES_PER_COURSE_MAX: usize = 1024;
/// Attempts of one course that are not settled.
pub const ATTEMPTS_PER_COURSE_MAX: usize = 64;
/// Attempts of a learner that may be open at once.
pub const ATTEMPTS_OPEN_MAX: usize = 4;
/// Items of one quiz.
pub const ITEMS_PER_QUIZ_MAX: u16 = 512;
/// Bytes of one answer in canonical form; the longest text an author may ask for, 4000 characters,
/// fits in any script.
pub const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// Bytes of all answers of one attempt.
pub const ATTEMPT_BYTES_MAX: usize = 32 * 1024;
/// Sections of newer versions that a state keeps.
pub const UNKNOWN_SECTIONS_MAX: usize = 8;
/// Bytes of one encoded effect; a closing repeats the answers it closes with.
pub const EFFECT_BYTES_MAX: usize = 64 * 1024;
/// Bytes of one encoded state that are read.
pub const STATE_BYTES_MAX: usize = 1024 * 1024;
/// Learners whose newest state Redis lacks that are listed, 16 bytes each; with more, everything
/// is shipped once it answers.
pub const LEARNERS_LACKING_MAX: usize = 4_000_000;
/// Learners whose sign-out other nodes have not heard of that are listed; others wait their turn.
pub const LEARNERS_URGED_MAX: usize = 65_536;
/// Learners being brought back into memory at once; more are refused for a moment.
pub const LEARNERS_LOADING_MAX: usize = 65_536;
/// Bytes of the records of one commit of the journal.
pub const JOURNAL_BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of the smallest segment of the journal.
pub const JOURNAL_SEGMENT_BYTES_MIN: u64 = 4 * 1024 * 1024;
/// Bytes of the largest segment of the journal; one is read whole at start.
pub const JOURNAL_SEGMENT_BYTES_MAX: u64 = 256 * 1024 * 1024;

const _: () = assert!(STREAMS_PER_CONNECTION_MIN <= STREAMS_PER_CONNECTION_MAX);
const _: () = assert!(STREAMS_PER_CONNECTION_MAX <= STREAMS_PER_EDGE_CONNECTION_MAX);
const _: () = assert!(TARGET_BYTES_MAX < HEADER_BYTES_MAX);
const _: () = assert!(TOKEN_BYTES_MAX < HEADER_BYTES_MAX);
const _: () = assert!(HEADER_BYTES_MAX + BODY_BYTES_MAX <= REQUEST_BYTES_HELD_MAX);
const _: () = assert!(
    WORKERS_MAX <= 64,
    "six bits of a connection id name the worker"
);
const _: () = assert!(SIGN_INS_PER_LEARNER_MAX < DEVICES_PER_LEARNER_MAX);
const _: () = assert!(ANSWER_BYTES_MAX < ATTEMPT_BYTES_MAX);
const _: () = assert!(ATTEMPT_BYTES_MAX + ITEMS_PER_QUIZ_MAX as usize * 60 <= EFFECT_BYTES_MAX);
const _: () = assert!(EFFECT_BYTES_MAX < STATE_BYTES_MAX);
const _: () = assert!(EFFECT_BYTES_MAX < JOURNAL_BATCH_BYTES_MAX);
const _: () = assert!(2 * JOURNAL_BATCH_BYTES_MAX as u64 <= JOURNAL_SEGMENT_BYTES_MIN);
const _: () = assert!(QUIZ_CHUNK_BYTES_MAX < CHUNK_BYTES_MAX);
const _: () = assert!(ATTACHMENT_WHOLE_BYTES_MAX <= CHUNK_BYTES_MAX as u64);
