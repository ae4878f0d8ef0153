//! Writing HTML by hand: escapes, and tags that always close.

/// HTML being written.
#[derive(Debug, Default)]
pub(crate) struct Ink {
    html: String,
    /// How to close the tags that are open; empty for those that are left out.
    open: Vec<&'static str>,
}

impl Ink {
    /// Bytes so far.
    pub(crate) const fn len(&self) -> usize {
        self.html.len()
    }

    /// Opens a tag that [`Ink::close`] closes. Nested deeper than a reader can follow, it is left
    /// out.
    pub(crate) fn open(&mut self, open: &str, close: &'static str) {
        if self.open.len() < DEPTH_MAX {
            self.html.push_str(open);
            self.open.push(close);
        } else {
            self.open.push("");
        }
    }

    /// Closes the last tag.
    pub(crate) fn close(&mut self) {
        self.html.push_str(self.open.pop().unwrap_or_default());
    }

    /// Whether the innermost tag is the one closed by `close`.
    pub(crate) fn is_in(&self, close: &str) -> bool {
        self.open.last().is_some_and(|last| *last == close)
    }

    /// Adds markup of ours.
    pub(crate) fn raw(&mut self, html: &str) {
        self.html.push_str(html);
    }

    /// Adds text of the author's.
    pub(crate) fn text(&mut self, text: &str) {
        self.html.push_str(&escaped(text));
    }

    /// The markup, with everything closed.
    pub(crate) fn done(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.html
    }
}

/// Text as it stands in an element or in a quoted attribute.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// A path, percent-encoded but for unreserved characters and `/` (RFC 3986, 2.3).
pub(crate) fn encoded(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A path without its percent escapes; `None` if they are ill-formed or not UTF-8.
pub(crate) fn decoded(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let (high, low) = (digit(rest.next())?, digit(rest.next())?);
        bytes.push(u8::try_from(high << 4 | low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// Tags within tags.
const DEPTH_MAX: usize = 64;
