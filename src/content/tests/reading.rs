//! Reading pages: what an author writes is read, and can do nothing else.

use crate::content::Lookup;
use crate::content::reading::Page;
use crate::content::reading::Sheet;
use crate::content::tests::find;
use crate::content::tests::folder;
use crate::content::tests::open;
use crate::content::tests::problems;
use crate::content::tests::text;
use crate::course::Language;
use crate::runtime;
use proptest::prelude::*;
use std::fs;

fn page(text: &str) -> Page {
    let language = Language::parse("vi").unwrap();
    let attachment = |name: &str| match name {
        "lamp.png" => Some(("01-a/lamp.png".to_owned(), true)),
        "bài 1.pdf" => Some(("01-a/bài 1.pdf".to_owned(), false)),
        _ => None,
    };
    let sheet = Sheet {
        file: "c/01-a/text.vi.md",
        text,
        language: &language,
        title: "Bài <một>",
        course: "c",
        attachment: &attachment,
    };
    sheet.page()
}

/// What stands between `<main>` and its end, and the problems.
fn body(text: &str) -> (String, Vec<String>) {
    let Page { html, problems, .. } = page(text);
    let (_, rest) = html.split_once("<main>\n").unwrap();
    let (body, _) = rest.rsplit_once("</main>").unwrap();
    let problems = problems.iter().map(ToString::to_string).collect();
    (body.to_owned(), problems)
}

#[test]
fn ordinary_markdown_reads_as_it_was_meant() {
    let (html, problems) = body(
        "# Tiêu đề\n\nMột **hai** *ba* ~~bốn~~ `x<y`\n\n# Phần\n\n1. a\n2. b\n\n> lời\n\n\
         | A | B |\n|---|---|\n| 1 | 2 |\n\n```js\nlet a = \"<b>\";\n```\n",
    );
    assert_eq!(problems, Vec::<String>::new());
    for wanted in [
        "<h1>Tiêu đề</h1>",
        "Một <strong>hai</strong> <em>ba</em> <del>bốn</del> <code>x&lt;y</code>",
        "<h2>Phần</h2>",
        "<ol start=\"1\">\n<li>a</li>",
        "<blockquote>\n<p>lời</p>",
        "<th scope=\"col\">A</th>",
        "<td>2</td></tr>\n</tbody></table>",
        "<pre><code>let a = &quot;&lt;b&gt;&quot;;\n</code></pre>",
    ] {
        assert!(html.contains(wanted), "{wanted}: {html}");
    }
    let (html, _) = body("Không có tiêu đề.\n");
    assert!(html.starts_with("<h1>Bài &lt;một&gt;</h1>"), "{html}");
}

#[test]
fn html_in_a_text_never_reaches_a_reader() {
    for hostile in [
        "<script>alert(1)</script>",
        "a <img src=x onerror=alert(1)> b",
        "<svg onload=alert(1)>",
        "<a href=\"javascript:alert(1)\">x</a>",
        "<iframe src=\"//evil\"></iframe>",
        "<style>*{display:none}</style>",
        "<ScRiPt>alert(1)//",
        "<div onclick='x'>\n\nok\n\n</div>",
        "<![CDATA[ <script> ]]>",
    ] {
        let (html, problems) = body(&format!("dòng\n\n{hostile}\n"));
        for tag in html.to_lowercase().split('<').skip(1) {
            let tag = tag.split('>').next().unwrap();
            assert!(["h1", "/h1", "p", "/p"].contains(&tag), "{hostile}: {html}");
        }
        assert_eq!(problems.len(), 1, "{hostile}: {problems:?}");
        assert!(
            problems[0].starts_with("c/01-a/text.vi.md:3: HTML in a"),
            "{problems:?}"
        );
    }
    assert_eq!(body("<!-- ghi chú -->\n").1, Vec::<String>::new());
    assert!(body("a <svg/onload=x>").0.contains("&lt;svg/onload=x&gt;"));
}

#[test]
fn links_lead_to_the_web_to_mail_or_to_a_file_of_the_lesson() {
    for (written, wanted) in [
        (
            "[x](https://a.vn/?b=1&c=\"2\")",
            "href=\"https://a.vn/?b=1&amp;c=&quot;2&quot;\"",
        ),
        ("[x](mailto:a@b.vn)", "href=\"mailto:a@b.vn\""),
        ("<https://a.vn>", "href=\"https://a.vn\""),
        (
            "[x](b%C3%A0i%201.pdf)",
            "href=\"../../../files/c/01-a/b%C3%A0i%201.pdf\"",
        ),
        (
            "[x](<bài 1.pdf>)",
            "href=\"../../../files/c/01-a/b%C3%A0i%201.pdf\"",
        ),
    ] {
        let (html, problems) = body(written);
        assert!(html.contains(wanted), "{written}: {html}");
        assert_eq!(problems, Vec::<String>::new(), "{written}");
    }
    for refused in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "&#106;avascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "//evil.vn/x",
        "/v1/session",
        "../quiz.toml",
        "b/../../x.pdf",
        "quiz.toml",
        "%2e%2e/x",
        "#a",
        "",
    ] {
        let (html, problems) = body(&format!("a [b]({refused}) c"));
        assert!(!html.contains("href"), "{refused}: {html}");
        assert!(html.contains("a b c"), "{refused}: {html}");
        assert_eq!(problems.len(), 1, "{refused}");
    }
}

#[test]
fn pictures_are_the_lessons_own_and_say_what_they_show() {
    let (html, problems) = body("![Một *ngọn* \"đèn\"](lamp.png)");
    let image = "<img src=\"../../../files/c/01-a/lamp.png\" alt=\"Một ngọn &quot;đèn&quot;\" \
                 loading=\"lazy\">";
    assert!(html.contains(image), "{html}");
    assert_eq!(problems, Vec::<String>::new());
    for foreign in [
        "https://evil.vn/pixel.png",
        "bài%201.pdf",
        "x.png",
        "data:image/png;base64,",
    ] {
        let (html, problems) = body(&format!("![chữ]({foreign})"));
        assert!(
            !html.contains("<img") && html.contains("chữ"),
            "{foreign}: {html}"
        );
        assert_eq!(problems.len(), 1, "{foreign}");
    }
    assert!(body("![](lamp.png)").1[0].contains("cannot see it"));
}

#[test]
fn a_page_too_long_or_too_deep_is_bounded() {
    let deep = page(&"> ".repeat(5000));
    assert!(deep.html.matches("<blockquote>").count() <= 64);
    assert_eq!(
        deep.html.matches("<blockquote>").count(),
        deep.html.matches("</blockquote>").count()
    );
    let long = page(&"&amp;\n\n".repeat(200_000));
    assert!(long.html.len() < (1 << 20) + 10_000, "{}", long.html.len());
    assert!(
        long.problems[0].to_string().contains("split it over"),
        "{:?}",
        long.problems
    );
}

proptest! {
    #[test]
    fn whatever_is_written_every_tag_is_one_of_ours(
        text in "[<>a!\\[\\]()\"'`&;:/#*_~|\\\\ \n=.-]{0,80}|(?s).{0,80}",
    ) {
        let (html, _) = body(&text);
        for tag in html.split('<').skip(1) {
            let name = tag.trim_start_matches('/');
            let name = name.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap();
            let ours = [
                "h1", "h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "blockquote", "pre",
                "code", "table", "thead", "tbody", "tr", "th", "td", "em", "strong", "del", "a",
                "img", "br", "hr",
            ];
            prop_assert!(ours.contains(&name), "{html}");
        }
    }
}

#[test]
fn a_lesson_may_be_read_instead_of_watched() {
    let dir = folder();
    let lesson = dir.path().join("so/02-doc");
    fs::create_dir(&lesson).unwrap();
    fs::write(
        lesson.join("text.vi.md"),
        "Xem ![đèn](hi\u{300}nh.png) và [tệp](hình.png).",
    )
    .unwrap();
    fs::write(lesson.join("text.en.md"), "# Hello\n\n[x](javascript:x)").unwrap();
    fs::write(lesson.join("text.md"), "x").unwrap();
    // The author's system writes names in composed letters, the text has them decomposed.
    fs::write(lesson.join("hình.png"), [0x89, b'P']).unwrap();
    let library = open(dir.path());
    let found = problems(&dir);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with("so/02-doc/text.en.md:3: the link"),
        "{found:?}"
    );
    assert!(
        found[1].starts_with("so/02-doc/text.md: its name does not"),
        "{found:?}"
    );
    let catalogue = library.catalogue();
    let texts = &catalogue.course("so").unwrap().lessons[1].texts;
    assert_eq!(
        texts.iter().map(Language::as_str).collect::<Vec<_>>(),
        ["vi", "en"]
    );
    runtime::block_on(async {
        let html = text(&library, "/text/so/doc/vi").await;
        let url = "../../../files/so/02-doc/h%C3%ACnh.png";
        assert!(
            html.contains(&format!("<img src=\"{url}\" alt=\"đèn\"")),
            "{html}"
        );
        assert!(html.contains(&format!("<a href=\"{url}\"")), "{html}");
        assert!(
            html.starts_with("<!doctype html>\n<html lang=\"vi\">"),
            "{html}"
        );
    });
    for missing in ["/text/so/doc/fr", "/text/so/mat-khau/vi", "/text/x/doc/vi"] {
        assert!(
            matches!(find(&library, missing), Lookup::NotFound),
            "{missing}"
        );
    }
}
