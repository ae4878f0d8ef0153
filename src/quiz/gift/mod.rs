//! Moodle's GIFT: questions as teachers write them in a text file.
//!
//! The rules are those of Moodle's own importer: blocks between blank lines, `::title::`, answers
//! in braces, `//` comments, `$CATEGORY:`, the escapes `\~ \= \# \{ \} \: \n`. What Moodle reads in
//! a way that its author hardly meant is refused with a remedy instead.
//!
//! Invariants: nothing that stands in braces, in a title or in a comment becomes public, except the
//! texts of options; options are listed in an order that does not depend on where the author put
//! the right one.

mod answers;
mod block;
mod choices;
mod glyph;
mod header;
mod markup;
mod numbers;
mod question;
mod reader;
mod tags;
