//! The delivery URLs, parsed once.

use crate::base::digest::Digest;

/// What a path below `/media`, `/quiz`, `/text` or `/files` names. The parts are not looked up yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path<'a> {
    /// `/media/{course}/{lesson}/master.m3u8`
    Master(Place<'a>),
    /// `/media/{course}/{lesson}/manifest.mpd`
    Manifest(Place<'a>),
    /// `/media/{course}/{lesson}/{track}/playlist.m3u8`
    MediaPlaylist(Place<'a>, &'a str),
    /// `/media/{course}/{lesson}/{track}/slides.m3u8`
    Slides(Place<'a>, &'a str),
    /// `/media/{course}/{lesson}/{track}/iframes.m3u8`
    Iframes(Place<'a>, &'a str),
    /// `/media/{course}/{lesson}/{track}/{version}/init.mp4`
    Init(Place<'a>, &'a str, Digest),
    /// `/media/{course}/{lesson}/{track}/{version}/{n}.m4s`
    Segment(Place<'a>, &'a str, Digest, u32),
    /// `/media/{course}/{lesson}/{track}/{version}/stills/{n}.m4s`
    Stills(Place<'a>, &'a str, Digest, u32),
    /// `/media/{course}/{lesson}/{track}/{version}/slides/{n}.m4s`
    Slide(Place<'a>, &'a str, Digest, u32),
    /// `/media/{course}/{lesson}/subs/{lang}/playlist.m3u8`
    SubtitlePlaylist(Place<'a>, &'a str),
    /// `/media/{course}/{lesson}/subs/{lang}/{version}/{n}.vtt`
    SubtitleSegment(Place<'a>, &'a str, Digest, u32),
    /// `/media/{course}/{lesson}/subs/{lang}/{version}/whole.vtt`
    Subtitles(Place<'a>, &'a str, Digest),
    /// `/media/{course}/{lesson}/source/{track}.mp4`
    Source(Place<'a>, &'a str),
    /// `/quiz/{course}/{quiz}/{version}.json`
    Quiz(&'a str, &'a str, Digest),
    /// `/text/{course}/{lesson}/{lang}`
    Text(Place<'a>, &'a str),
    /// `/files/{course}/{path}`
    File(&'a str, &'a str),
}

/// A lesson of a course.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The course's id.
    pub course: &'a str,
    /// The lesson's id.
    pub lesson: &'a str,
}

impl<'a> Path<'a> {
    /// Parses a path that is already percent-decoded and free of `..` and empty segments; `None`
    /// if it has no such form, which is a 404.
    pub fn parse(path: &'a str) -> Option<Self> {
        let (room, rest) = path.strip_prefix('/')?.split_once('/')?;
        let (course, rest) = rest.split_once('/')?;
        match room {
            "media" => {
                let (lesson, rest) = rest.split_once('/')?;
                Self::media(Place { course, lesson }, rest)
            }
            "quiz" => {
                let (quiz, file) = rest.split_once('/')?;
                let version = Digest::parse(file.strip_suffix(".json")?)?;
                Some(Self::Quiz(course, quiz, version))
            }
            "text" => {
                let (lesson, language) = rest.split_once('/')?;
                let place = Place { course, lesson };
                (!language.contains('/')).then_some(Self::Text(place, language))
            }
            "files" => Some(Self::File(course, rest)),
            _ => None,
        }
    }

    /// The course it lies in.
    pub const fn course(&self) -> &'a str {
        self.home().0
    }

    /// The lesson it lies in.
    pub const fn place(&self) -> Option<Place<'a>> {
        self.home().1
    }

    const fn home(&self) -> (&'a str, Option<Place<'a>>) {
        match self {
            Self::Master(at)
            | Self::Manifest(at)
            | Self::MediaPlaylist(at, ..)
            | Self::Slides(at, ..)
            | Self::Iframes(at, ..)
            | Self::Init(at, ..)
            | Self::Segment(at, ..)
            | Self::Slide(at, ..)
            | Self::Stills(at, ..)
            | Self::Subtitles(at, ..)
            | Self::SubtitlePlaylist(at, ..)
            | Self::SubtitleSegment(at, ..)
            | Self::Text(at, ..)
            | Self::Source(at, ..) => (at.course, Some(*at)),
            Self::Quiz(course, ..) | Self::File(course, ..) => (course, None),
        }
    }

    /// The version it names.
    pub const fn version(&self) -> Option<Digest> {
        match self {
            Self::Init(_, _, version)
            | Self::Segment(_, _, version, _)
            | Self::Slide(_, _, version, _)
            | Self::Stills(_, _, version, _)
            | Self::Subtitles(_, _, version)
            | Self::SubtitleSegment(_, _, version, _)
            | Self::Quiz(_, _, version) => Some(*version),
            Self::Master(..)
            | Self::Manifest(..)
            | Self::MediaPlaylist(..)
            | Self::Slides(..)
            | Self::Iframes(..)
            | Self::SubtitlePlaylist(..)
            | Self::Source(..)
            | Self::Text(..)
            | Self::File(..) => None,
        }
    }

    fn media(place: Place<'a>, rest: &'a str) -> Option<Self> {
        let Some((track, rest)) = rest.split_once('/') else {
            return match rest {
                "master.m3u8" => Some(Self::Master(place)),
                "manifest.mpd" => Some(Self::Manifest(place)),
                _ => None,
            };
        };
        match track {
            "subs" => Self::subtitles(place, rest),
            "source" => Some(Self::Source(place, rest.strip_suffix(".mp4")?)),
            _ if rest == "playlist.m3u8" => Some(Self::MediaPlaylist(place, track)),
            _ if rest == "slides.m3u8" => Some(Self::Slides(place, track)),
            _ if rest == "iframes.m3u8" => Some(Self::Iframes(place, track)),
            _ => {
                let (version, file) = rest.split_once('/')?;
                let version = Digest::parse(version)?;
                if file == "init.mp4" {
                    return Some(Self::Init(place, track, version));
                }
                let name = file.strip_suffix(".m4s")?;
                Some(match name.split_once('/') {
                    None => Self::Segment(place, track, version, number(name)?),
                    Some(("slides", name)) => Self::Slide(place, track, version, number(name)?),
                    Some(("stills", name)) => Self::Stills(place, track, version, number(name)?),
                    Some(_) => return None,
                })
            }
        }
    }

    fn subtitles(place: Place<'a>, rest: &'a str) -> Option<Self> {
        let (lang, rest) = rest.split_once('/')?;
        if rest == "playlist.m3u8" {
            return Some(Self::SubtitlePlaylist(place, lang));
        }
        let (version, file) = rest.split_once('/')?;
        let version = Digest::parse(version)?;
        Some(match file.strip_suffix(".vtt")? {
            "whole" => Self::Subtitles(place, lang, version),
            name => Self::SubtitleSegment(place, lang, version, number(name)?),
        })
    }
}

/// A number in its one canonical form, so that a resource has one URL.
fn number(text: &str) -> Option<u32> {
    let canonical = text == "0" || !text.starts_with(['0', '+']);
    canonical.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const V: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn every_delivery_url_is_understood() {
        let place = Place {
            course: "c",
            lesson: "l",
        };
        let version = Digest::parse(V).unwrap();
        let cases = [
            ("/media/c/l/master.m3u8".to_owned(), Path::Master(place)),
            (
                "/media/c/l/240p/playlist.m3u8".to_owned(),
                Path::MediaPlaylist(place, "240p"),
            ),
            (
                format!("/media/c/l/t/{V}/init.mp4"),
                Path::Init(place, "t", version),
            ),
            (
                format!("/media/c/l/t/{V}/12.m4s"),
                Path::Segment(place, "t", version, 12),
            ),
            (
                "/media/c/l/subs/vi/playlist.m3u8".to_owned(),
                Path::SubtitlePlaylist(place, "vi"),
            ),
            (
                format!("/media/c/l/subs/vi/{V}/0.vtt"),
                Path::SubtitleSegment(place, "vi", version, 0),
            ),
            ("/media/c/l/manifest.mpd".to_owned(), Path::Manifest(place)),
            (
                "/media/c/l/t/slides.m3u8".to_owned(),
                Path::Slides(place, "t"),
            ),
            (
                "/media/c/l/t/iframes.m3u8".to_owned(),
                Path::Iframes(place, "t"),
            ),
            (
                format!("/media/c/l/t/{V}/stills/7.m4s"),
                Path::Stills(place, "t", version, 7),
            ),
            (
                format!("/media/c/l/t/{V}/slides/7.m4s"),
                Path::Slide(place, "t", version, 7),
            ),
            (
                format!("/media/c/l/subs/vi/{V}/whole.vtt"),
                Path::Subtitles(place, "vi", version),
            ),
            (
                "/media/c/l/source/240p.mp4".to_owned(),
                Path::Source(place, "240p"),
            ),
            (format!("/quiz/c/q/{V}.json"), Path::Quiz("c", "q", version)),
            ("/text/c/l/vi".to_owned(), Path::Text(place, "vi")),
            ("/files/c/a/b.pdf".to_owned(), Path::File("c", "a/b.pdf")),
        ];
        for (path, wanted) in cases {
            assert_eq!(Path::parse(&path), Some(wanted), "{path}");
        }
    }

    #[test]
    fn one_resource_has_one_url() {
        for bad in [
            format!("/media/c/l/t/{V}/012.m4s"),
            format!("/media/c/l/t/{V}/+1.m4s"),
            format!("/media/c/l/t/{V}/4294967296.m4s"),
            format!("/media/c/l/t/{V}/.m4s"),
            format!("/media/c/l/t/{V}/other/1.m4s"),
            format!("/media/c/l/t/{}/1.m4s", V.to_uppercase()),
            format!("/media/c/l/t/{V}/init.mp4/"),
            "/media/c/l".to_owned(),
            "/media/c".to_owned(),
            "/quiz/c/q.json".to_owned(),
            "media/c/l/master.m3u8".to_owned(),
            "/".to_owned(),
            String::new(),
        ] {
            assert_eq!(Path::parse(&bad), None, "{bad}");
        }
    }
}
