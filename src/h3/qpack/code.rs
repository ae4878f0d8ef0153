//! Tables of the Huffman code, made at compile time from the lengths of its code words.

/// What 12 bits hold: one or two symbols, their bits together, and the bits of the first; nothing
/// if the first symbol is longer.
#[derive(Clone, Copy)]
pub(super) struct Step(u32);

#[expect(
    clippy::cast_possible_truncation,
    reason = "fields of one 32-bit word, cut out by shifts"
)]
impl Step {
    const fn new(pair: [u8; 2], symbols: u32, first_bits: u32, bits: u32) -> Self {
        let text = pair[0] as u32 | (pair[1] as u32) << 8;
        Self(text | symbols << 16 | first_bits << 20 | bits << 24)
    }

    pub(super) const fn pair(self) -> [u8; 2] {
        [self.0 as u8, (self.0 >> 8) as u8]
    }

    pub(super) const fn symbols(self) -> usize {
        (self.0 >> 16 & 0xf) as usize
    }

    pub(super) const fn first_bits(self) -> u32 {
        self.0 >> 20 & 0xf
    }

    pub(super) const fn bits(self) -> u32 {
        self.0 >> 24
    }
}

/// Code words of one length: values `first..end`, symbols from `SORTED[offset]` on.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) first: u32,
    pub(super) end: u32,
    pub(super) offset: u32,
}

const SYMBOLS: usize = 257;
pub(super) const FAST_BITS: u32 = 12;
pub(super) const LEN_MAX: u32 = 30;

/// Code words, indexed by symbol.
pub(super) static CODES: [u32; SYMBOLS] = CANONICAL.codes;
/// Symbols in the order of their code words.
pub(super) static SORTED: [u16; SYMBOLS] = CANONICAL.sorted;
/// Code words by length.
pub(super) static ROWS: [Row; LEN_MAX as usize + 1] = CANONICAL.rows;
/// What each combination of [`FAST_BITS`] bits holds, indexed by the bits inverted.
pub(super) static FAST: [Step; 1 << FAST_BITS] = fast_table();

struct Canonical {
    codes: [u32; SYMBOLS],
    sorted: [u16; SYMBOLS],
    rows: [Row; LEN_MAX as usize + 1],
}

const CANONICAL: Canonical = canonical();

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "evaluated at compile time, where a fault is a compile error; 257 fits 16 bits"
)]
const fn canonical() -> Canonical {
    const NONE: Row = Row {
        first: 0,
        end: 0,
        offset: 0,
    };
    let mut made = Canonical {
        codes: [0; SYMBOLS],
        sorted: [0; SYMBOLS],
        rows: [NONE; LEN_MAX as usize + 1],
    };
    let (mut len, mut code, mut filled) = (1, 0_u32, 0);
    while len <= LEN_MAX as usize {
        code <<= 1;
        let row = &mut made.rows[len];
        row.first = code;
        row.offset = filled as u32;
        let mut symbol = 0;
        while symbol < SYMBOLS {
            if LENGTHS[symbol] as usize == len {
                made.codes[symbol] = code;
                made.sorted[filled] = symbol as u16;
                filled += 1;
                code += 1;
            }
            symbol += 1;
        }
        made.rows[len].end = code;
        len += 1;
    }
    assert!(code == 1 << LEN_MAX, "the code words fill the code space");
    made
}

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "evaluated at compile time, where a fault is a compile error; symbols fit a byte"
)]
const fn fast_table() -> [Step; 1 << FAST_BITS] {
    let mut table = [Step(0); 1 << FAST_BITS];
    let mut one = 0;
    while one < SYMBOLS {
        let len = LENGTHS[one] as u32;
        if len <= FAST_BITS {
            let at = CANONICAL.codes[one] << (FAST_BITS - len);
            let step = Step::new([one as u8, 0], 1, len, len);
            fill(&mut table, at, 1 << (FAST_BITS - len), step);
            let mut two = 0;
            while two < SYMBOLS {
                let both = len + LENGTHS[two] as u32;
                if both <= FAST_BITS {
                    let at = at | CANONICAL.codes[two] << (FAST_BITS - both);
                    let step = Step::new([one as u8, two as u8], 2, len, both);
                    fill(&mut table, at, 1 << (FAST_BITS - both), step);
                }
                two += 1;
            }
        }
        one += 1;
    }
    table
}

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated at compile time, where a fault is a compile error"
)]
const fn fill(table: &mut [Step; 1 << FAST_BITS], at: u32, count: u32, step: Step) {
    let mut i = at;
    while i < at + count {
        table[((1 << FAST_BITS) - 1 - i) as usize] = step;
        i += 1;
    }
}

/// Bits of each symbol's code word; the last is the end-of-string symbol.
#[rustfmt::skip]
pub(super) const LENGTHS: [u8; SYMBOLS] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7,
    7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21,
    23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
    21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];
