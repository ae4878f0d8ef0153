use super::append;
use super::recovered;
use super::simulated::Fault;
use super::simulated::Simulated;
use crate::base::id::AttemptId;
use crate::base::id::DeviceId;
use crate::base::id::LearnerId;
use crate::runtime::block_on;
use crate::store::Answered;
use crate::store::Config;
use crate::store::Journal;
use crate::store::Receipt;
use crate::store::ReceiptError;
use crate::store::Signer;
use proptest::prelude::*;
use std::sync::Arc;

fn signer() -> Signer {
    Signer::new(3, &[5; 32]).unwrap()
}

fn answered(seq: u32) -> Answered<'static> {
    Answered {
        learner: LearnerId([1; 16]),
        attempt: AttemptId([2; 16]),
        item: "q1",
        seq,
        device: DeviceId([3; 16]),
        body_sha256: [4; 32],
        at_ms: 1_800_000_000_000,
    }
}

/// Receipts of so many answers that were committed together, or nearly.
fn receipts(count: u32) -> Vec<String> {
    let disk = Simulated::new(Fault::None);
    let (recovered, _) = recovered(&disk).unwrap();
    let config = Config {
        segment: crate::base::units::Size::mib(4),
        ..Config::default()
    };
    let (journal, worker) = Journal::start(Arc::new(disk), recovered.writer, &config).unwrap();
    let told: Vec<_> = (0..count)
        .map(|seq| {
            let mut append = append(seq.into(), 0);
            append.with_leaf(answered(seq).leaf());
            journal.append(append)
        })
        .collect();
    let plain = journal.append(append(99, 0));
    drop(journal);
    let receipts = block_on(async {
        assert_eq!(plain.await.unwrap().receipt(&signer(), 0), None);
        let mut receipts = Vec::new();
        for told in told {
            let durable = told.await.unwrap();
            receipts.push(durable.receipt(&signer(), answered(0).at_ms).unwrap());
        }
        receipts
    });
    worker.join().unwrap();
    receipts
}

#[test]
fn every_answer_of_every_size_of_commit_has_a_receipt_that_holds() {
    for count in [1, 2, 3, 4, 5, 7, 8, 9, 33] {
        for (seq, text) in receipts(count).iter().enumerate() {
            let receipt = Receipt::parse(text).unwrap();
            let answered = answered(u32::try_from(seq).unwrap());
            assert_eq!(receipt.verify(&answered, signer().public_key()), Ok(()));
            assert_eq!(receipt.at_ms, answered.at_ms);
        }
    }
}

#[test]
fn a_receipt_is_of_one_answer_and_of_nothing_else() {
    let text = receipts(5).remove(2);
    let receipt = Receipt::parse(&text).unwrap();
    let good = answered(2);
    let signer = signer();
    let check = |answered: Answered<'_>| receipt.verify(&answered, signer.public_key());
    assert_eq!(check(good), Ok(()));
    for other in [
        Answered {
            learner: LearnerId([9; 16]),
            ..good
        },
        Answered {
            attempt: AttemptId([9; 16]),
            ..good
        },
        Answered { item: "q2", ..good },
        Answered { seq: 3, ..good },
        Answered {
            device: DeviceId([9; 16]),
            ..good
        },
        Answered {
            body_sha256: [9; 32],
            ..good
        },
        Answered {
            at_ms: 1_800_000_000_001,
            ..good
        },
    ] {
        assert_eq!(check(other), Err(ReceiptError::Signature));
    }
    let stranger = Signer::new(3, &[6; 32]).unwrap();
    assert_eq!(
        receipt.verify(&good, stranger.public_key()),
        Err(ReceiptError::Signature)
    );
    assert_eq!(receipt.verify(&good, &[0; 31]), Err(ReceiptError::Key));
}

#[test]
fn one_changed_character_is_one_too_many() {
    let text = receipts(5).remove(2);
    for at in 0..text.len() {
        let to = if text.as_bytes()[at] == b'A' {
            "B"
        } else {
            "A"
        };
        let mut changed = text.clone();
        changed.replace_range(at..=at, to);
        let proven = Receipt::parse(&changed).and_then(|receipt| {
            let answered = Answered {
                at_ms: receipt.at_ms,
                ..answered(2)
            };
            receipt.verify(&answered, signer().public_key())
        });
        assert!(proven.is_err(), "character {at}");
    }
}

proptest! {
    #[test]
    fn no_text_panics_or_proves_anything(text in "[A-Za-z0-9_-]{0,300}") {
        if let Ok(receipt) = Receipt::parse(&text) {
            prop_assert!(receipt.verify(&answered(0), signer().public_key()).is_err());
        }
    }
}
