//! Reading pages: an author's Markdown becomes HTML that cannot do anything but be read.
//!
//! Every tag and attribute that is sent is written by this file from a short list; what an author
//! writes is only ever text or a checked address. HTML in the Markdown is left out and reported.

use crate::base::limits::READING_PAGE_BYTES_MAX;
use crate::content::markup::Ink;
use crate::content::markup::decoded;
use crate::content::markup::encoded;
use crate::content::markup::escaped;
use crate::course::Language;
use crate::course::Problem;
use pulldown_cmark::CodeBlockKind;
use pulldown_cmark::Event;
use pulldown_cmark::HeadingLevel;
use pulldown_cmark::Options;
use pulldown_cmark::Parser;
use pulldown_cmark::Tag;
use std::collections::BTreeSet;
use std::ops::Range;

/// A reading page and where it belongs.
pub(crate) struct Sheet<'a> {
    /// Its file, as problems name it.
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
    pub(crate) language: &'a Language,
    /// Its heading, unless the text begins with one.
    pub(crate) title: &'a str,
    /// Id of its course.
    pub(crate) course: &'a str,
    /// The attachment of that path below the lesson's folder: its path below the course, and
    /// whether it is a picture.
    pub(crate) attachment: &'a dyn Fn(&str) -> Option<(String, bool)>,
}

/// What a sheet comes to.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// A whole HTML document.
    pub(crate) html: String,
    pub(crate) problems: Vec<Problem>,
    /// Attachments it names, below the course.
    pub(crate) files: BTreeSet<String>,
}

impl Sheet<'_> {
    /// The page.
    pub(crate) fn page(&self) -> Page {
        let text = self.text.strip_prefix('\u{feff}').unwrap_or(self.text);
        let mut writer = Writer {
            sheet: self,
            text,
            page: Page::default(),
            ink: Ink::default(),
            image: None,
            titled: false,
            told: false,
        };
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
        for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
            writer.event(event, &range);
            if writer.ink.len() > READING_PAGE_BYTES_MAX {
                let what = format!("makes a page of more than {READING_PAGE_BYTES_MAX} bytes");
                writer.problem(&range, &what, "split it over several lessons");
                break;
            }
        }
        writer.done()
    }
}

struct Writer<'a> {
    sheet: &'a Sheet<'a>,
    text: &'a str,
    page: Page,
    ink: Ink,
    /// A picture whose alternative text is being read.
    image: Option<Image>,
    titled: bool,
    /// Whether HTML was reported.
    told: bool,
}

struct Image {
    url: Option<String>,
    alt: String,
    /// Tags open within it.
    depth: usize,
}

impl Writer<'_> {
    fn event(&mut self, event: Event<'_>, range: &Range<usize>) {
        if let Some(image) = &mut self.image {
            match event {
                Event::Start(_) => image.depth += 1,
                Event::End(_) if image.depth > 0 => image.depth -= 1,
                Event::End(_) => self.picture(range),
                Event::Text(text) | Event::Code(text) => image.alt.push_str(&text),
                Event::SoftBreak | Event::HardBreak => image.alt.push(' '),
                Event::Html(_)
                | Event::InlineHtml(_)
                | Event::Rule
                | Event::InlineMath(_)
                | Event::DisplayMath(_)
                | Event::FootnoteReference(_)
                | Event::TaskListMarker(_) => {}
            }
            return;
        }
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(_) => self.ink.close(),
            Event::Text(text) => self.ink.text(&text),
            Event::Code(text) => {
                self.ink.raw("<code>");
                self.ink.text(&text);
                self.ink.raw("</code>");
            }
            Event::Html(html) | Event::InlineHtml(html) => self.html(&html, range),
            Event::SoftBreak => self.ink.raw("\n"),
            Event::HardBreak => self.ink.raw("<br>\n"),
            Event::Rule => self.ink.raw("<hr>\n"),
            // Extensions that are not turned on.
            Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: &Range<usize>) {
        match tag {
            Tag::Paragraph => self.ink.open("<p>", "</p>\n"),
            Tag::Heading { level, .. } => self.heading(level),
            Tag::BlockQuote(_) => self.ink.open("<blockquote>\n", "</blockquote>\n"),
            Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented) => {
                self.ink.open("<pre><code>", "</code></pre>\n");
            }
            Tag::List(None) => self.ink.open("<ul>\n", "</ul>\n"),
            Tag::List(Some(first)) => {
                let open = format!("<ol start=\"{first}\">\n");
                self.ink.open(&open, "</ol>\n");
            }
            Tag::Item => self.ink.open("<li>", "</li>\n"),
            Tag::Table(_) => self.ink.open("<table>\n", "</tbody></table>\n"),
            Tag::TableHead => self.ink.open("<thead><tr>", "</tr></thead><tbody>\n"),
            Tag::TableRow => self.ink.open("<tr>", "</tr>\n"),
            Tag::TableCell if self.ink.is_in("</tr></thead><tbody>\n") => {
                self.ink.open("<th scope=\"col\">", "</th>");
            }
            Tag::TableCell => self.ink.open("<td>", "</td>"),
            Tag::Emphasis => self.ink.open("<em>", "</em>"),
            Tag::Strong => self.ink.open("<strong>", "</strong>"),
            Tag::Strikethrough => self.ink.open("<del>", "</del>"),
            Tag::Link { dest_url, .. } => match self.link(&dest_url, range) {
                Some(url) => {
                    let open = format!("<a href=\"{url}\" rel=\"noopener noreferrer\">");
                    self.ink.open(&open, "</a>");
                }
                None => self.ink.open("", ""),
            },
            Tag::Image { dest_url, .. } => {
                let url = self.image_url(&dest_url, range);
                self.image = Some(Image {
                    url,
                    alt: String::new(),
                    depth: 0,
                });
            }
            Tag::HtmlBlock
            | Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => self.ink.open("", ""),
        }
    }

    /// The first heading of a page that begins with one is its title; there is no other of level 1.
    fn heading(&mut self, level: HeadingLevel) {
        let first = self.ink.len() == 0 && !self.titled;
        self.titled |= first;
        let (open, close) = match level {
            _ if first => ("<h1>", "</h1>\n"),
            HeadingLevel::H1 | HeadingLevel::H2 => ("<h2>", "</h2>\n"),
            HeadingLevel::H3 => ("<h3>", "</h3>\n"),
            HeadingLevel::H4 => ("<h4>", "</h4>\n"),
            HeadingLevel::H5 => ("<h5>", "</h5>\n"),
            HeadingLevel::H6 => ("<h6>", "</h6>\n"),
        };
        self.ink.open(open, close);
    }

    fn html(&mut self, html: &str, range: &Range<usize>) {
        if !self.told && !html.trim_start().starts_with("<!--") {
            self.told = true;
            let what = "HTML in a reading page is left out";
            self.problem(range, what, "write it as Markdown");
        }
    }

    /// The address of a link as it may stand in an attribute; `None` leaves only its text.
    fn link(&mut self, url: &str, range: &Range<usize>) -> Option<String> {
        let lower = url.to_ascii_lowercase();
        let plain = !url.contains(|c: char| c.is_control() || c.is_whitespace());
        let known = ["https://", "http://", "mailto:"];
        if plain && known.iter().any(|scheme| lower.starts_with(scheme)) {
            return Some(escaped(url));
        }
        if let Some((path, _)) = self.attached(url) {
            return Some(self.delivered(path));
        }
        let what = format!("the link to `{}` is left out", short(url));
        let remedy = "write a whole https:// or mailto: address, or the name of a file that lies in \
                      the lesson's folder";
        self.problem(range, &what, remedy);
        None
    }

    fn image_url(&mut self, url: &str, range: &Range<usize>) -> Option<String> {
        if let Some((path, true)) = self.attached(url) {
            return Some(self.delivered(path));
        }
        let what = format!("the picture `{}` is left out", short(url));
        let remedy = "put it into the lesson's folder (png, jpg, webp, avif, gif or svg) and write \
                      its name";
        self.problem(range, &what, remedy);
        None
    }

    fn picture(&mut self, range: &Range<usize>) {
        let Some(Image { url, alt, .. }) = self.image.take() else {
            return;
        };
        let alt = alt.trim();
        let Some(url) = url else {
            self.ink.text(alt);
            return;
        };
        if alt.is_empty() {
            let what = "a picture says nothing to those who cannot see it";
            let remedy = "write what it shows between the brackets: ![a lamp](lamp.png)";
            self.problem(range, what, remedy);
        }
        let alt = escaped(alt);
        let image = format!("<img src=\"{url}\" alt=\"{alt}\" loading=\"lazy\">");
        self.ink.raw(&image);
    }

    /// The lesson's file that a relative address names.
    fn attached(&self, url: &str) -> Option<(String, bool)> {
        let path = decoded(url)?;
        let inside = path
            .split('/')
            .all(|name| !name.is_empty() && !name.starts_with('.'));
        inside.then(|| (self.sheet.attachment)(&path)).flatten()
    }

    fn delivered(&mut self, path: String) -> String {
        // Relative, so that a signature at the beginning of the page's own path carries on.
        let url = format!("../../../files/{}/{}", self.sheet.course, encoded(&path));
        self.page.files.insert(path);
        url
    }

    fn problem(&mut self, range: &Range<usize>, what: &str, remedy: &str) {
        if self.page.problems.len() >= PROBLEMS_MAX {
            return;
        }
        let before = self.text.as_bytes().get(..range.start).unwrap_or_default();
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        let problem = Problem::new(self.sheet.file, what, remedy);
        self.page.problems.push(problem.at(line));
    }

    fn done(self) -> Page {
        let (lang, title) = (self.sheet.language, escaped(self.sheet.title));
        let heading = if self.titled {
            String::new()
        } else {
            format!("<h1>{title}</h1>\n")
        };
        let body = self.ink.done();
        let html = format!(
            "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
             {heading}{body}</main>\n</body>\n</html>\n"
        );
        Page { html, ..self.page }
    }
}

/// An address as a problem shows it.
fn short(url: &str) -> String {
    let mut short: String = url.chars().take(80).collect();
    if short.len() < url.len() {
        short.push('…');
    }
    short
}

/// Problems of one page.
const PROBLEMS_MAX: usize = 100;
const STYLE: &str = ":root{color-scheme:light dark}body{margin:0;font:1.1rem/1.6 system-ui,\
    sans-serif;overflow-wrap:break-word}main{max-width:42rem;margin:0 auto;padding:1rem}\
    img{max-width:100%;height:auto}pre,table{display:block;overflow-x:auto}\
    th,td{padding:.3rem .6rem;border:1px solid #8888;text-align:left}";
