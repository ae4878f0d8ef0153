//! `lamplight receipt verify`: checks a receipt without the platform that gave it.

use crate::base::calendar::civil_from_days;
use crate::base::id::AttemptId;
use crate::base::id::DeviceId;
use crate::base::id::LearnerId;
use crate::command::Exit;
use crate::command::print::answer;
use crate::command::print::complain;
use crate::store::Answered;
use crate::store::Receipt;
use data_encoding::BASE64URL_NOPAD;
use data_encoding::HEXLOWER_PERMISSIVE;
use serde::Deserialize;
use std::fs;
use std::io;
use std::io::Read as _;
use std::path::Path;

/// Bytes of the file that are read; a receipt's is below two thousand.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// A receipt and what it should be of, as docs/receipts.md describes the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claim {
    public_key: String,
    receipt: String,
    learner: String,
    attempt: String,
    item: String,
    seq: u32,
    device: String,
    body_sha256: String,
}

/// Checks the receipt in the file at `path`, `-` for standard input, and says what it proves.
pub fn receipt_verify(path: &Path) -> Exit {
    let text = match read(path) {
        Ok(text) => text,
        Err(error) => {
            complain(format_args!("cannot read {}: {error}", path.display()));
            return Exit::Failed;
        }
    };
    match proven(&text) {
        Ok(sentence) => {
            answer(sentence);
            Exit::Done
        }
        Err(what) => {
            complain(format_args!("{}: {what}", path.display()));
            Exit::Failed
        }
    }
}

fn read(path: &Path) -> io::Result<String> {
    let source: Box<dyn io::Read> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(fs::File::open(path)?)
    };
    let mut text = String::new();
    source.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

/// What the receipt in `text` proves, or why it proves nothing.
fn proven(text: &str) -> Result<String, String> {
    let claim: Claim = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let wrong =
        |member: &'static str| move || format!("`{member}` is not as docs/receipts.md says");
    let key = BASE64URL_NOPAD.decode(claim.public_key.as_bytes());
    let body = HEXLOWER_PERMISSIVE.decode(claim.body_sha256.as_bytes());
    let body = body.ok().and_then(|bytes| bytes.try_into().ok());
    let receipt = Receipt::parse(&claim.receipt).map_err(|error| error.to_string())?;
    let answered = Answered {
        learner: LearnerId::parse(&claim.learner).ok_or_else(wrong("learner"))?,
        attempt: AttemptId::parse(&claim.attempt).ok_or_else(wrong("attempt"))?,
        item: &claim.item,
        seq: claim.seq,
        device: DeviceId::parse(&claim.device).ok_or_else(wrong("device"))?,
        body_sha256: body.ok_or_else(wrong("body_sha256"))?,
        at_ms: receipt.at_ms,
    };
    let key = key.map_err(|_position| wrong("public_key")())?;
    let checked = receipt.verify(&answered, &key);
    checked.map_err(|error| error.to_string())?;
    let (item, seq, commit, key_id) = (&claim.item, claim.seq, receipt.commit, receipt.key_id);
    let at = moment(receipt.at_ms);
    Ok(format!(
        "good: answer {seq} to {item:?} was accepted at {at} (commit {commit}, key {key_id})"
    ))
}

/// RFC 3339 in UTC, with milliseconds.
fn moment(unix_ms: u64) -> String {
    let (seconds, ms) = (unix_ms / 1000, unix_ms % 1000);
    let days = i64::try_from(seconds / 86_400).unwrap_or(i64::MAX / 2);
    let (year, month, day) = civil_from_days(days);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> &'static str {
        let page = include_str!("../../docs/receipts.md");
        page.split("```json\n")
            .nth(1)
            .unwrap()
            .split("```")
            .next()
            .unwrap()
    }

    #[test]
    fn the_documented_receipt_of_another_program_is_good() {
        let told = proven(example()).unwrap();
        let expected = "good: answer 2 to \"q2\" was accepted at 2027-01-15T08:00:00.123Z \
                        (commit 42, key 1)";
        assert_eq!(told, expected);
    }

    #[test]
    fn a_changed_receipt_or_file_proves_nothing_and_says_why() {
        for (from, to, word) in [
            ("\"q2\"", "\"q3\"", "signature"),
            ("\"seq\": 2", "\"seq\": 3", "signature"),
            ("9b2f0d4e-", "9b2f0d4f-", "signature"),
            ("9b2f0d4e-", "9b2f0d4e", "device"),
            ("\"learner\": \"AA", "\"learner\": \"", "learner"),
            ("\"receipt\": \"AQ", "\"receipt\": \"Ag", "not a receipt"),
            (
                "\"body_sha256\": \"",
                "\"body_sha256\": \"00",
                "body_sha256",
            ),
            ("\"public_key\": \"", "\"public_key\": \"AAAA", "public key"),
            ("\"seq\": 2", "\"sequence\": 2", "unknown field"),
        ] {
            assert!(example().contains(from), "{from}");
            let error = proven(&example().replace(from, to)).unwrap_err();
            assert!(error.contains(word), "{from}: {error}");
        }
        assert!(proven("").is_err());
    }
}
