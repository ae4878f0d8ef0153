//! Common Media Client Data (CTA-5004, versions 1 and 2): what a player tells with a request.
//!
//! It comes as the query parameter `CMCD` or as four header fields, each a dictionary of keys and
//! values (in version 2 a Structured Field, RFC 9651). Only what is counted is read, nothing is
//! allocated, and nothing of it changes an answer.

use crate::base::limits::CMCD_BYTES_MAX;
use crate::http::Fields;
use std::iter::Peekable;

/// What a player told; `None` where it told nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cmcd {
    /// `br`: encoded bitrate of the object asked for, kbit/s.
    pub bitrate_kbps: Option<u64>,
    /// `tb`: highest bitrate that the player may choose, kbit/s.
    pub top_bitrate_kbps: Option<u64>,
    /// `bl`: content in the buffer, milliseconds.
    pub buffer_ms: Option<u64>,
    /// `mtp`: throughput measured, kbit/s.
    pub throughput_kbps: Option<u64>,
    /// `bs`: the buffer ran empty since the request before.
    pub starved: bool,
    /// `bsd` (version 2): how long the last such stop lasted, milliseconds.
    pub stall_ms: Option<u64>,
    /// `su`: the object is needed at once: start, seek or recovery.
    pub startup: bool,
    /// `msd` (version 2): from the wish to play to the first picture, milliseconds.
    pub start_delay_ms: Option<u64>,
    /// `v`: the version it is written in; 1 where it is absent.
    pub version: Option<u64>,
}

/// It is not a dictionary of that kind, longer than we read, or holds an impossible number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the CMCD is not well-formed")]
pub struct IllFormed;

/// A number beyond it is no bitrate in kbit/s and no time in milliseconds.
const NUMBER_MAX: u64 = 100_000_000;

impl Cmcd {
    /// What `query` (raw, without `?`) and the header fields tell; `None` if there is no CMCD.
    ///
    /// # Errors
    /// [`IllFormed`] if any part of it is; nothing of it then counts.
    pub fn of(query: &str, fields: &Fields) -> Option<Result<Self, IllFormed>> {
        let mut told = None;
        if !query.is_empty() {
            let value = query.split('&').find_map(|pair| pair.strip_prefix("CMCD="));
            if let Some(value) = value {
                told = Some(Self::default().with(value.as_bytes(), unescaped(value.as_bytes())));
            }
        }
        for (name, value) in fields.iter() {
            if is_field(name) {
                let before = told.unwrap_or_else(|| Ok(Self::default()));
                let plain = value.iter().map(|b| Ok(*b));
                told = Some(before.and_then(|before| before.with(value, plain)));
            }
        }
        told
    }

    fn with(
        mut self,
        raw: &[u8],
        bytes: impl Iterator<Item = Result<u8, IllFormed>>,
    ) -> Result<Self, IllFormed> {
        if raw.len() > CMCD_BYTES_MAX {
            return Err(IllFormed);
        }
        let mut reader = Reader(bytes.peekable());
        while let Some((key, value)) = reader.member()? {
            self.take(key.as_bytes(), value);
        }
        Ok(self)
    }

    fn take(&mut self, key: &[u8], value: Value) {
        match key {
            b"br" => self.bitrate_kbps = value.number(),
            b"tb" => self.top_bitrate_kbps = value.number(),
            b"bl" => self.buffer_ms = value.number(),
            b"mtp" => self.throughput_kbps = value.number(),
            b"bsd" => self.stall_ms = value.number(),
            b"msd" => self.start_delay_ms = value.number(),
            b"bs" => self.starved = value == Value::True,
            b"su" => self.startup = value == Value::True,
            b"v" => self.version = value.number(),
            _ => {}
        }
    }
}

fn is_field(name: &[u8]) -> bool {
    matches!(name.len(), 11 | 12)
        && matches!(
            name,
            b"cmcd-object" | b"cmcd-request" | b"cmcd-session" | b"cmcd-status"
        )
}

/// What a query value says without its percent-escapes.
fn unescaped(raw: &[u8]) -> impl Iterator<Item = Result<u8, IllFormed>> {
    let mut rest = raw.iter().copied();
    std::iter::from_fn(move || {
        let byte = rest.next()?;
        if byte != b'%' {
            return Some(Ok(byte));
        }
        let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
        let escaped = digit().zip(digit()).map(|(high, low)| high << 4 | low);
        Some(escaped.and_then(|b| u8::try_from(b).ok()).ok_or(IllFormed))
    })
}

/// The value of a key, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    /// A key alone, or `?1`, or `true`.
    True,
    /// A number, or the first of a list (version 2), without its fraction.
    Number(u64),
    /// Anything else.
    Other,
}

impl Value {
    const fn number(self) -> Option<u64> {
        match self {
            Self::Number(n) => Some(n),
            Self::True | Self::Other => None,
        }
    }
}

/// The beginning of a key or token; those that matter are shorter.
#[derive(Debug, Default)]
struct Name {
    bytes: [u8; 8],
    len: usize,
}

impl Name {
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = byte;
        }
        self.len += 1;
    }

    /// Empty if it is longer than any that matters.
    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

struct Reader<I: Iterator<Item = Result<u8, IllFormed>>>(Peekable<I>);

impl<I: Iterator<Item = Result<u8, IllFormed>>> Reader<I> {
    /// The next key and value; `None` at the end.
    fn member(&mut self) -> Result<Option<(Name, Value)>, IllFormed> {
        self.spaces()?;
        if self.peek()?.is_none() {
            return Ok(None);
        }
        let key = self.word(|b| {
            b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'.' | b'*')
        })?;
        if key.len == 0 {
            return Err(IllFormed);
        }
        let mut value = Value::True;
        if self.next_if(b'=')? {
            value = self.value()?;
        }
        self.parameters()?;
        self.spaces()?;
        match self.next()? {
            None | Some(b',') => Ok(Some((key, value))),
            Some(_) => Err(IllFormed),
        }
    }

    fn value(&mut self) -> Result<Value, IllFormed> {
        if !self.next_if(b'(')? {
            return self.item();
        }
        let mut first = Value::Other;
        loop {
            self.spaces()?;
            if self.next_if(b')')? {
                return Ok(first);
            }
            let item = self.item()?;
            if first == Value::Other {
                first = item;
            }
            self.parameters()?;
        }
    }

    fn item(&mut self) -> Result<Value, IllFormed> {
        match self.peek()? {
            Some(b'"') => self.string(),
            Some(b'0'..=b'9' | b'-') => self.number(),
            Some(_) => {
                let word = self.word(|b| {
                    b.is_ascii_graphic() && !matches!(b, b',' | b';' | b'"' | b'(' | b')' | b'=')
                })?;
                match word.as_bytes() {
                    b"?1" | b"true" => Ok(Value::True),
                    _ if word.len == 0 => Err(IllFormed),
                    _ => Ok(Value::Other),
                }
            }
            None => Err(IllFormed),
        }
    }

    fn string(&mut self) -> Result<Value, IllFormed> {
        self.next()?;
        loop {
            match self.next()? {
                Some(b'"') => return Ok(Value::Other),
                Some(b'\\') => drop(self.next()?.ok_or(IllFormed)?),
                Some(b' '..=b'~') => {}
                Some(_) | None => return Err(IllFormed),
            }
        }
    }

    fn number(&mut self) -> Result<Value, IllFormed> {
        let negative = self.next_if(b'-')?;
        let (mut number, mut digits, mut fraction) = (0_u64, 0, false);
        while let Some(byte @ (b'0'..=b'9' | b'.')) = self.peek()? {
            self.next()?;
            if byte == b'.' && !fraction && digits > 0 {
                fraction = true;
            } else if byte == b'.' {
                return Err(IllFormed);
            } else if !fraction {
                digits += 1;
                number = number.saturating_mul(10) + u64::from(byte - b'0');
                if number > NUMBER_MAX.saturating_mul(1_000_000) {
                    return Err(IllFormed);
                }
            }
        }
        match digits {
            0 => Err(IllFormed),
            // Times since 1970 and the like are numbers too, only none that is counted.
            _ if negative || number > NUMBER_MAX => Ok(Value::Other),
            _ => Ok(Value::Number(number)),
        }
    }

    /// `;v;a=1`: which object type a value of a list belongs to, and the like.
    fn parameters(&mut self) -> Result<(), IllFormed> {
        while self.next_if(b';')? {
            self.spaces()?;
            let name =
                self.word(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))?;
            if name.len == 0 {
                return Err(IllFormed);
            }
            if self.next_if(b'=')? {
                self.item()?;
            }
        }
        Ok(())
    }

    fn word(&mut self, belongs: impl Fn(u8) -> bool) -> Result<Name, IllFormed> {
        let mut name = Name::default();
        while let Some(byte) = self.peek()?.filter(|b| belongs(*b)) {
            self.next()?;
            name.push(byte);
        }
        Ok(name)
    }

    fn spaces(&mut self) -> Result<(), IllFormed> {
        while self.next_if(b' ')? {}
        Ok(())
    }

    fn next_if(&mut self, byte: u8) -> Result<bool, IllFormed> {
        let is = self.peek()? == Some(byte);
        if is {
            self.next()?;
        }
        Ok(is)
    }

    fn peek(&mut self) -> Result<Option<u8>, IllFormed> {
        self.0.peek().copied().transpose()
    }

    fn next(&mut self) -> Result<Option<u8>, IllFormed> {
        self.0.next().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn query(query: &str) -> Option<Result<Cmcd, IllFormed>> {
        Cmcd::of(query, &Fields::new())
    }

    #[test]
    fn a_player_s_query_is_read_to_the_letter() {
        let told = query(
            "x=1&CMCD=bl%3D21300%2Cbr%3D3200%2Cbs%2Ccid%3D%22faec5fc2%22%2Cd%3D4004%2Cmtp%3D25400\
             %2Cnor%3D%22..%252F300kbps%252Ftrack.m4v%22%2Cot%3Dv%2Cpr%3D1.08%2Csf%3Dd\
             %2Csid%3D%226e2fb550%22%2Cst%3Dv%2Csu%2Ctb%3D6000&y=2",
        );
        let wanted = Cmcd {
            bitrate_kbps: Some(3200),
            top_bitrate_kbps: Some(6000),
            buffer_ms: Some(21_300),
            throughput_kbps: Some(25_400),
            starved: true,
            startup: true,
            ..Cmcd::default()
        };
        assert_eq!(told, Some(Ok(wanted)));
    }

    #[test]
    fn header_fields_of_version_two_with_lists_are_read_together() {
        let fields = Fields::new()
            .with("cmcd-object", "br=(5000;v 128;a), tb=(8000;v)")
            .with("cmcd-request", "bl=(1000;v 9000;a),su=?1,mtp=(2500.5)")
            .with(
                "cmcd-session",
                "v=2,sid=\"a,b\\\"c\",msd=740,ts=1700000000000",
            )
            .with("cmcd-status", "bs=?0,bsd=(1200;v),com.example-x=\"1\"");
        let wanted = Cmcd {
            bitrate_kbps: Some(5000),
            top_bitrate_kbps: Some(8000),
            buffer_ms: Some(1000),
            throughput_kbps: Some(2500),
            stall_ms: Some(1200),
            startup: true,
            start_delay_ms: Some(740),
            version: Some(2),
            starved: false,
        };
        assert_eq!(Cmcd::of("", &fields), Some(Ok(wanted)));
    }

    #[test]
    fn requests_without_it_say_nothing() {
        assert_eq!(query(""), None);
        assert_eq!(query("cmcd=br%3D1&XCMCD=br&CMCDX=1"), None);
        let fields = Fields::new()
            .with("cmcd-objects", "br=1")
            .with("accept", "*/*");
        assert_eq!(Cmcd::of("a=b", &fields), None);
        assert_eq!(query("CMCD="), Some(Ok(Cmcd::default())));
    }

    #[test]
    fn what_is_ill_formed_does_not_count_even_in_part() {
        let long = format!("CMCD=sid%3D%22{}%22", "a".repeat(CMCD_BYTES_MAX));
        let digits = format!("CMCD=br%3D{}", "9".repeat(40));
        for bad in [
            "CMCD=br%3D",
            "CMCD=br%3D1%2",
            "CMCD=br%3Dx%zz",
            "CMCD=%3D1",
            "CMCD=,br",
            "CMCD=br=1 2",
            "CMCD=br=1.2.3",
            "CMCD=br=-",
            "CMCD=sid=%22open",
            "CMCD=sid=%22a%0d%22",
            "CMCD=br=(1",
            "CMCD=br=(1;)",
            "CMCD=BR=1",
            "CMCD=br=1;",
            "CMCD=br=1,sid=(((",
            &long,
            &digits,
        ] {
            assert_eq!(query(bad), Some(Err(IllFormed)), "{bad}");
        }
        let fields = Fields::new().with("cmcd-status", "\"");
        assert_eq!(Cmcd::of("CMCD=br%3D1", &fields), Some(Err(IllFormed)));
        // Well-formed, and no such bitrate.
        for none in ["CMCD=br=-5", "CMCD=br=100000001", "CMCD=br=v", "CMCD=br"] {
            assert_eq!(query(none), Some(Ok(Cmcd::default())), "{none}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "[ -~]{0,80}") {
            let _ = query(&format!("CMCD={text}"));
            let _ = Cmcd::of("", &Fields::new().with("cmcd-request", &text));
        }

        #[test]
        fn numbers_come_back(br in 0..NUMBER_MAX, bl in 0..NUMBER_MAX, list in any::<bool>()) {
            let (open, close) = if list { ("(", ";v 1;a)") } else { ("", "") };
            let text = format!("CMCD=bl={open}{bl}{close},br={open}{br}{close}");
            let told = query(&text).unwrap().unwrap();
            prop_assert_eq!((told.bitrate_kbps, told.buffer_ms), (Some(br), Some(bl)));
        }
    }
}
