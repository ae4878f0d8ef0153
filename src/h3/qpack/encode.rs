//! Field lines to field sections (RFC 9204, 4.5), by the static table and Huffman code alone.

use crate::h3::qpack::huffman;
use crate::h3::qpack::integer;
use crate::h3::qpack::table;
use crate::h3::qpack::table::Match;

/// What every field section begins with: Required Insert Count 0, Base 0.
pub const PREFIX: [u8; 2] = [0, 0];

/// Appends one field line in its shortest form; `name` is lowercase.
pub fn encode_line(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    match table::find(name, value) {
        Match::Whole(index) => integer::write(0xc0, 6, usize::from(index), out),
        Match::Name(index) => {
            integer::write(0x50, 4, usize::from(index), out);
            string(0, 7, value, out);
        }
        Match::Nothing => {
            string(0x20, 3, name, out);
            string(0, 7, value, out);
        }
    }
}

/// A string literal with `bits` bits of length below the Huffman flag; `flags` are above both.
fn string(flags: u8, bits: u32, text: &[u8], out: &mut Vec<u8>) {
    let coded = huffman::encoded_len(text);
    if coded < text.len() {
        integer::write(flags | 1 << bits, bits, coded, out);
        huffman::encode(text, out);
    } else {
        integer::write(flags, bits, text.len(), out);
        out.extend_from_slice(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::h3::qpack::Broken;
    use crate::h3::qpack::Scratch;
    use crate::h3::qpack::decode;
    use proptest::prelude::*;

    #[test]
    fn a_line_takes_the_shortest_form() {
        for (name, value, wire) in [
            (":status", "200", &b"\xd9"[..]),
            (":status", "418", b"\x5f\x09\x03418"),
            ("x", "{}", b"\x21x\x02{}"),
            (
                ":path",
                "/index.html",
                b"\x51\x88\x60\xd5\x48\x5f\x2b\xce\x9a\x68",
            ),
        ] {
            let mut out = Vec::new();
            encode_line(name.as_bytes(), value.as_bytes(), &mut out);
            assert_eq!(out, wire, "{name}: {value}");
        }
    }

    proptest! {
        #[test]
        fn any_lines_survive(lines: Vec<(Vec<u8>, Vec<u8>)>) {
            let mut section = PREFIX.to_vec();
            for (name, value) in &lines {
                encode_line(name, value, &mut section);
            }
            let mut seen = Vec::new();
            decode(&section, &mut Scratch::new(), |line| {
                seen.push((line.name.to_vec(), line.value.to_vec()));
                Ok::<_, Broken>(())
            })
            .unwrap();
            prop_assert_eq!(seen, lines);
        }

        #[test]
        fn hostile_sections_never_panic(section: Vec<u8>) {
            let _ = decode(&section, &mut Scratch::new(), |_| Ok::<_, Broken>(()));
        }
    }
}
