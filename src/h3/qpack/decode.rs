//! Field sections to field lines (RFC 9204, 4.5).

use crate::h3::qpack::Broken;
use crate::h3::qpack::huffman;
use crate::h3::qpack::integer;
use crate::h3::qpack::table;

/// One field line, borrowed from the section, the static table or the scratch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Index of the name in the static table, if it came from there.
    pub(crate) index: Option<u8>,
    /// Whether the value too is the table's and so needs no check.
    pub(crate) known_value: bool,
    /// The name as it came: case and characters are not checked yet.
    pub name: &'a [u8],
    /// The value as it came.
    pub value: &'a [u8],
}

/// Buffers for Huffman-coded names and values, reused from section to section.
#[derive(Debug, Default)]
pub struct Scratch {
    name: Vec<u8>,
    value: Vec<u8>,
}

impl Scratch {
    /// Empty buffers, without an allocation.
    pub const fn new() -> Self {
        Self {
            name: Vec::new(),
            value: Vec::new(),
        }
    }
}

/// Decodes a whole encoded field section and shows its lines in order until `visit` refuses one.
///
/// # Errors
/// [`Broken`] for anything that QPACK_DECOMPRESSION_FAILED is for, references to the dynamic table
/// included, since its capacity is 0; or whatever `visit` returns.
pub fn decode<E: From<Broken>>(
    section: &[u8],
    scratch: &mut Scratch,
    mut visit: impl FnMut(Line<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut rest = section;
    check_prefix(&mut rest)?;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        let line = match first {
            // Indexed field line, 4.5.2: static.
            0xc0.. => indexed(integer::read(first, 6, &mut rest)?)?,
            // Literal field line with name reference, 4.5.4: static.
            0x40..0x80 if first & 0x10 != 0 => {
                let index = integer::read(first, 4, &mut rest)?;
                let value = string(7, &mut rest, &mut scratch.value)?;
                Line {
                    value,
                    known_value: false,
                    ..indexed(index)?
                }
            }
            // Literal field line with literal name, 4.5.6.
            0x20..0x40 => {
                let name = string_after(first, 3, &mut rest, &mut scratch.name)?;
                let value = string(7, &mut rest, &mut scratch.value)?;
                Line {
                    index: None,
                    known_value: false,
                    name,
                    value,
                }
            }
            _ => return Err(Broken("a field line refers to the dynamic table").into()),
        };
        visit(line)?;
    }
    Ok(())
}

/// Required Insert Count and Base (RFC 9204, 4.5.1): the count must be 0, and then the sign must
/// not be set (4.5.1.2), while the base's value means nothing.
fn check_prefix(rest: &mut &[u8]) -> Result<(), Broken> {
    if let Some(after) = rest.strip_prefix(&[0, 0]) {
        *rest = after;
        return Ok(());
    }
    let (count, after) = rest.split_first().ok_or(Broken(NO_PREFIX))?;
    *rest = after;
    if integer::read(*count, 8 - 1, rest)? != 0 || *count != 0 {
        return Err(Broken("a field section requires dynamic table entries"));
    }
    let (base, after) = rest.split_first().ok_or(Broken(NO_PREFIX))?;
    *rest = after;
    if *base >= 0x80 {
        return Err(Broken("a field section has a negative base"));
    }
    integer::read(*base, 7, rest)?;
    Ok(())
}

fn indexed(index: u64) -> Result<Line<'static>, Broken> {
    let (name, value) = table::entry(index).ok_or(Broken("a static table index is beyond 98"))?;
    Ok(Line {
        index: u8::try_from(index).ok(),
        known_value: true,
        name: name.as_bytes(),
        value: value.as_bytes(),
    })
}

/// A string literal whose first byte holds `bits` bits of length below the Huffman flag.
fn string<'i: 'o, 'o>(
    bits: u32,
    rest: &mut &'i [u8],
    scratch: &'o mut Vec<u8>,
) -> Result<&'o [u8], Broken> {
    let (first, after) = rest.split_first().ok_or(Broken(CUT_STRING))?;
    *rest = after;
    string_after(*first, bits, rest, scratch)
}

fn string_after<'i: 'o, 'o>(
    first: u8,
    bits: u32,
    rest: &mut &'i [u8],
    scratch: &'o mut Vec<u8>,
) -> Result<&'o [u8], Broken> {
    let len = integer::read(first, bits, rest)?;
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    let (text, after) = rest.split_at_checked(len).ok_or(Broken(CUT_STRING))?;
    *rest = after;
    if first & (1 << bits) == 0 {
        return Ok(text);
    }
    let len = huffman::decode(text, scratch)?;
    Ok(scratch.get(..len).unwrap_or_default())
}

const NO_PREFIX: &str = "a field section ends within its prefix";
const CUT_STRING: &str = "a field section ends within a string";

#[cfg(test)]
mod tests {
    use super::*;

    type Lines = Vec<(Vec<u8>, Vec<u8>)>;

    fn lines(section: &[u8]) -> Result<Lines, Broken> {
        let mut lines = Vec::new();
        decode(section, &mut Scratch::new(), |line| {
            lines.push((line.name.to_vec(), line.value.to_vec()));
            Ok::<_, Broken>(())
        })?;
        Ok(lines)
    }

    #[test]
    fn example_of_rfc_9204_appendix_b_1() {
        let section = b"\0\0\x51\x0b/index.html";
        let expected = (b":path".to_vec(), b"/index.html".to_vec());
        assert_eq!(lines(section).unwrap(), [expected]);
    }

    #[test]
    fn each_kind_of_static_line_is_understood() {
        let section = b"\0\0\xd1\x22ab\x01c\x77\x01x\x2a\x64\x02\x82\x64\x02";
        let shown = lines(section).unwrap();
        let shown: Vec<_> = shown.iter().map(|(n, v)| (&n[..], &v[..])).collect();
        let expected: [(&[u8], &[u8]); 4] = [
            (b":method", b"GET"),
            (b"ab", b"c"),
            (b"etag", b"x"),
            (b"302", b"302"),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_base_without_dynamic_references_may_be_anything_but_negative() {
        assert!(lines(&[0, 0x05, 0xd1]).is_ok());
        assert!(lines(&[0, 0x7f, 0x05, 0xd1]).is_ok());
        assert!(lines(&[0, 0x80, 0xd1]).is_err());
    }

    #[test]
    fn what_needs_a_dynamic_table_is_refused() {
        for section in [
            &[0x01, 0x00, 0xd1][..],
            &[0xff, 0x00, 0x00, 0xd1],
            &[0x80, 0x00],
            &[0, 0, 0x80],
            &[0, 0, 0x10],
            &[0, 0, 0x40, 0x00],
            &[0, 0, 0x00, 0x00],
        ] {
            assert!(lines(section).is_err(), "{section:?}");
        }
    }

    #[test]
    fn a_section_cut_short_anywhere_within_a_line_is_refused() {
        let section = b"\0\0\x51\x0b/index.html";
        for cut in (0..section.len()).filter(|cut| *cut != 2) {
            assert!(lines(&section[..cut]).is_err(), "cut at {cut}");
        }
        assert!(lines(&[0, 0, 0xff, 0x24]).is_err(), "static index 99");
        assert!(lines(b"\0\0\x51\x7f\xff\xff\xff\xff\xff\xff\xff\xff\x3f").is_err());
    }
}
