//! Encoded field sections. Promises: no panic, and what was decoded means the same once encoded.

use lamplight::h3::qpack::Broken;
use lamplight::h3::qpack::PREFIX;
use lamplight::h3::qpack::Scratch;
use lamplight::h3::qpack::decode;
use lamplight::h3::qpack::encode_line;

type Lines = Vec<(Vec<u8>, Vec<u8>)>;

pub(crate) fn run(section: &[u8]) {
    let Ok(lines) = lines(section) else {
        return;
    };
    let mut again = PREFIX.to_vec();
    for (name, value) in &lines {
        encode_line(name, value, &mut again);
    }
    assert_eq!(self::lines(&again).as_ref(), Ok(&lines));
}

fn lines(section: &[u8]) -> Result<Lines, Broken> {
    let mut lines = Vec::new();
    decode(section, &mut Scratch::new(), |line| {
        lines.push((line.name.to_vec(), line.value.to_vec()));
        Ok::<_, Broken>(())
    })?;
    Ok(lines)
}
