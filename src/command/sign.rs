//! `lamplight sign`: a URL that opens what is served by signed URLs only.

use crate::base::units::Span;
use crate::command::Exit;
use crate::command::print;
use crate::http::Target;
use crate::runtime;
use crate::service::UrlKeys;
use clap::Args;
use std::path::PathBuf;

/// Flags of `sign`.
#[derive(Debug, Args)]
pub struct SignFlags {
    /// Directory of the keys, as in `public.url_keys`.
    #[arg(long, value_name = "DIR")]
    pub keys: PathBuf,
    /// Name of the key; without it, the last by name.
    #[arg(long, value_name = "NAME")]
    pub key: Option<String>,
    /// How long the URL is good.
    #[arg(long = "for", value_name = "TIME", default_value = "6h")]
    pub time: Span,
    /// Path that is opened with everything below it; without it, the lesson of a media URL, and
    /// exactly the URL's path otherwise.
    #[arg(long, value_name = "PATH")]
    pub prefix: Option<String>,
    /// The URL, or its path alone.
    pub url: String,
}

/// Prints the signed URL, or what is wrong.
pub fn sign(flags: &SignFlags) -> Exit {
    let keys = match UrlKeys::open(&flags.keys) {
        Ok(keys) => keys,
        Err(error) => {
            print::complain(error);
            return Exit::Failed;
        }
    };
    let until = (runtime::unix_ms() + flags.time.as_ms()) / 1000;
    match signed(&keys, flags, until) {
        Ok(url) => {
            print::answer(url);
            Exit::Done
        }
        Err(what) => {
            print::complain(what);
            Exit::Usage
        }
    }
}

fn signed(keys: &UrlKeys, flags: &SignFlags, until_unix_s: u64) -> Result<String, String> {
    let (host, raw) = match flags.url.split_once("://") {
        Some((scheme, rest)) => {
            let at = rest.find('/').ok_or("the URL has no path to sign")?;
            flags.url.split_at(scheme.len() + 3 + at)
        }
        None => ("", flags.url.as_str()),
    };
    let target = Target::parse(raw).map_err(|error| error.to_string())?;
    let path = target.path.as_ref();
    let prefix = flags.prefix.as_deref().unwrap_or_else(|| lesson(path));
    let token = keys.sign(flags.key.as_deref(), prefix, until_unix_s);
    let token = token.ok_or("there is no such key, or the prefix is no path like /media/course")?;
    if keys.verify(&token, path, 0).is_err() {
        return Err(format!("{prefix} does not cover {path}"));
    }
    Ok(format!("{host}/s/{token}{raw}"))
}

/// `/media/{course}/{lesson}`, which all of a lesson's playlists and segments lie below.
fn lesson(path: &str) -> &str {
    let mut slashes = path.match_indices('/').skip(3);
    match slashes.next() {
        Some((end, _)) if path.starts_with("/media/") => path.get(..end).unwrap_or(path),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_playlist_s_signature_covers_its_lesson_and_a_file_s_itself() {
        let keys = UrlKeys::of([("k1", [7; 32])]);
        let ask = |url: &str, prefix: Option<&str>| {
            let flags = SignFlags {
                keys: PathBuf::new(),
                key: None,
                time: Span::secs(1),
                prefix: prefix.map(str::to_owned),
                url: url.to_owned(),
            };
            signed(&keys, &flags, 1000)
        };
        let url = ask("https://cdn.example/media/a/b/master.m3u8?x=1", None).unwrap();
        let rest = url.strip_prefix("https://cdn.example/s/").unwrap();
        let (token, path) = rest.split_once('/').unwrap();
        assert_eq!(path, "media/a/b/master.m3u8?x=1");
        let opens = |token: &str, path: &str| keys.verify(token, path, 0).is_ok();
        assert!(opens(token, "/media/a/b/v/1.m4s") && !opens(token, "/media/a/c/v/1.m4s"));
        let url = ask("/files/a/t%C3%A0i.pdf", None).unwrap();
        let token = url.split('/').nth(2).unwrap();
        assert!(opens(token, "/files/a/tài.pdf") && !opens(token, "/files/a/x.pdf"));
        let url = ask("/files/a/x.pdf", Some("/files/a")).unwrap();
        assert!(opens(url.split('/').nth(2).unwrap(), "/files/a/y.pdf"));
        for (url, prefix) in [
            ("https://cdn.example", None),
            ("/files/../x", None),
            ("/files/a/x", Some("/files/b")),
            ("/files/a/x", Some("files")),
        ] {
            assert!(ask(url, prefix).is_err(), "{url}");
        }
    }
}
