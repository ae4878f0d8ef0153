mod exchange;
mod journal;
mod power;
mod receipt;
mod recovery;
mod simulated;
mod snapshots;

use crate::base::id::CourseId;
use crate::base::id::LearnerId;
use crate::session::CourseFact;
use crate::session::Effect;
use crate::session::Fact;
use crate::session::Profile;
use crate::session::State;
use crate::store::Append;
use crate::store::Disk;
use crate::store::RecoverError;
use crate::store::Recovered;
use crate::store::Segment;
use crate::store::Writer;
use crate::store::recover;

/// Small, so that tests meet the end of a segment often.
const SEGMENT_BYTES: u64 = 64 * 1024;

/// An append of one record that says `id`, and as many bytes beside it.
fn append(id: u64, filler: usize) -> Append {
    let mut append = Append::default();
    let learner = LearnerId([u8::try_from(id % 256).unwrap(); 16]);
    let fill = |out: &mut Vec<u8>| {
        out.extend_from_slice(&id.to_le_bytes());
        out.resize(out.len() + filler, 0xa5);
    };
    append.push(learner, fill).unwrap();
    append
}

/// Recovers the whole journal, with what the records say, in order.
fn recovered(disk: &dyn Disk) -> Result<(Recovered, Vec<u64>), RecoverError> {
    recovered_from(disk, 1)
}

/// The same where commits below `needed` may be gone.
fn recovered_from(disk: &dyn Disk, needed: u64) -> Result<(Recovered, Vec<u64>), RecoverError> {
    let mut ids = Vec::new();
    let mut replay = |_learner: LearnerId, effect: &[u8]| {
        let id = effect.first_chunk().ok_or("no id")?;
        ids.push(u64::from_le_bytes(*id));
        Ok(())
    };
    let recovered = recover(disk, SEGMENT_BYTES, needed, &mut replay, &mut |_| {})?;
    Ok((recovered, ids))
}

/// Commits, in the next segment where this one is full.
fn commit(disk: &dyn Disk, writer: &mut Writer, appends: &[Append]) -> Result<u64, String> {
    if !writer.fits(appends.iter().map(Append::len).sum()) {
        let next = Segment::make(disk, writer.segment() + 1, SEGMENT_BYTES);
        writer.rotate(next.map_err(|error| error.to_string())?);
    }
    let commit = writer
        .commit(appends, 5)
        .map_err(|error| error.to_string())?;
    Ok(commit.number)
}

/// Some learner; those of near numbers are not near each other.
fn learner(n: u32) -> LearnerId {
    let spread = u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    LearnerId(spread.to_be_bytes())
}

/// What such a learner may have done, some 600 bytes; each version says something else.
fn effects(n: u32, version: u32) -> Vec<Effect> {
    let fact = |fact| Effect {
        generation: 0,
        fact,
    };
    let mut effects: Vec<Effect> = (0..40)
        .map(|course| {
            fact(Fact::Course {
                course: CourseId(u64::from(n % 7 * 100 + course)),
                generation: 0,
                fact: CourseFact::Enrolled(1_800_000_000 + n),
            })
        })
        .collect();
    effects.push(fact(Fact::Profile(Profile {
        at_s: 1_800_000_000 + version,
        locality: Some(format!("commune {n}").into()),
        unit: None,
    })));
    effects
}

fn state(n: u32, version: u32) -> State {
    let mut state = State::default();
    effects(n, version)
        .iter()
        .for_each(|effect| state.apply(effect));
    state
}
