//! Tests of GIFT.

use crate::course::Language;
use crate::course::Problem;
use crate::course::Slug;
use crate::quiz::Answer;
use crate::quiz::Quiz;
use crate::quiz::Score;
use crate::quiz::grade;
use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

pub(crate) fn parse(text: &str) -> Result<Quiz, Vec<Problem>> {
    let vi = Language::parse("vi").unwrap();
    Quiz::parse("c/01-a/luyen-tap.gift", text, &vi, 0.6)
}

pub(crate) fn read(text: &str) -> Quiz {
    parse(text).unwrap_or_else(|problems| panic!("{text}\n{problems:#?}"))
}

fn items(quiz: &Quiz) -> Vec<Value> {
    let (json, _) = quiz.chunk(&Slug::parse("luyen-tap").unwrap());
    let value: Value = serde_json::from_slice(&json).unwrap();
    value["items"].as_array().unwrap().clone()
}

fn only(text: &str) -> Value {
    let mut items = items(&read(text));
    assert_eq!(items.len(), 1, "{text}");
    items.remove(0)
}

fn earned(quiz: &Quiz, id: &str, answer: &Answer) -> u32 {
    match grade(quiz.key.item(id).unwrap(), answer) {
        Score::Graded(share) => share.millionths(),
        Score::Person => panic!("{id} needs a person"),
    }
}

/// Positions of these options in the first item.
fn choice(quiz: &Quiz, options: &[&str]) -> Answer {
    let shown = items(quiz)[0]["options"].clone();
    let place = |option: &&str| {
        let at = shown.as_array().unwrap().iter().position(|o| o == option);
        u32::try_from(at.unwrap_or_else(|| panic!("{option} of {shown}"))).unwrap()
    };
    Answer::Choice(options.iter().map(place).collect())
}

fn text(text: &str) -> Answer {
    Answer::Text(text.to_owned())
}

#[test]
fn a_single_choice_knows_its_answer_wherever_the_author_put_it() {
    let quiz = read("Thủ đô của Nhật Bản?{=Tokyo#Đúng ~Osaka#Gần đúng ~%25%Kyoto}");
    let item = &items(&quiz)[0];
    assert_eq!(
        (&item["kind"], &item["text"]),
        (&json!("one"), &json!("Thủ đô của Nhật Bản?"))
    );
    assert_eq!(earned(&quiz, "q1", &choice(&quiz, &["Tokyo"])), 1_000_000);
    assert_eq!(earned(&quiz, "q1", &choice(&quiz, &["Kyoto"])), 250_000);
    assert_eq!(earned(&quiz, "q1", &choice(&quiz, &["Osaka"])), 0);
    let told = quiz.key.comments("q1", Some(&choice(&quiz, &["Osaka"])));
    assert_eq!(told, ["Gần đúng"]);
    // Where the right one stands in the file shows nowhere.
    let other = read("Thủ đô của Nhật Bản?{~Osaka ~%25%Kyoto =Tokyo}");
    assert_eq!(items(&other), items(&quiz));
    let fixed = only("// shuffle = false\nChọn{~b =a}");
    assert_eq!(
        (&fixed["options"], &fixed["shuffle"]),
        (&json!(["b", "a"]), &json!(false))
    );
}

#[test]
fn weights_of_several_right_options_add_up() {
    let quiz = read("Hai số chẵn?{~%50%2 ~%-100%3 ~%50%4 ~%-100%5}");
    assert_eq!(items(&quiz)[0]["kind"], "many");
    for (options, share) in [
        (&["2", "4"][..], 1_000_000),
        (&["2"], 500_000),
        (&["2", "3"], 0),
        (&["2", "3", "4", "5"], 0),
    ] {
        assert_eq!(
            earned(&quiz, "q1", &choice(&quiz, options)),
            share,
            "{options:?}"
        );
    }
    let thirds = read("Ba số?{~%33.333%1 ~%33.333%2 ~%33.333%3 ~%-50%x}");
    assert_eq!(
        earned(&thirds, "q1", &choice(&thirds, &["1", "2", "3"])),
        1_000_000
    );
}

#[test]
fn true_and_false_with_feedback_to_the_wrong_and_the_right_answer() {
    let quiz = read("Trái đất tròn.{T#Sai rồi#Đúng rồi####Nhìn từ xa thì thấy}");
    assert_eq!(items(&quiz)[0]["kind"], "tf");
    assert_eq!(earned(&quiz, "q1", &Answer::Truth(true)), 1_000_000);
    let right = quiz.key.comments("q1", Some(&Answer::Truth(true)));
    assert_eq!(right, ["Đúng rồi", "Nhìn từ xa thì thấy"]);
    let wrong = quiz.key.comments("q1", Some(&Answer::Truth(false)));
    assert_eq!(wrong, ["Sai rồi", "Nhìn từ xa thì thấy"]);
    for (word, truth) in [("TRUE", true), ("F", false), ("FALSE#không phải", false)] {
        let quiz = read(&format!("Câu.{{{word}}}"));
        assert_eq!(
            earned(&quiz, "q1", &Answer::Truth(truth)),
            1_000_000,
            "{word}"
        );
    }
}

#[test]
fn short_answers_have_weights_and_stars() {
    let quiz =
        read("Sông dài nhất?{=Sông Mê Kông#Giỏi =%50%sông*#Sông nào? =%0%*#Không phải sông}");
    let item = &items(&quiz)[0];
    assert_eq!(
        (&item["kind"], &item["max_chars"]),
        (&json!("text"), &json!(200))
    );
    for (answer, share, told) in [
        ("sông mê kông", 1_000_000, "Giỏi"),
        ("Sông Hồng", 500_000, "Sông nào?"),
        ("Hồ Tây", 0, "Không phải sông"),
    ] {
        assert_eq!(earned(&quiz, "q1", &text(answer)), share, "{answer}");
        assert_eq!(quiz.key.comments("q1", Some(&text(answer))), [told]);
    }
    let star = read("Dấu nhân?{=a\\*b =2 * 3}");
    assert_eq!(earned(&star, "q1", &text("a*b")), 1_000_000);
    assert_eq!(earned(&star, "q1", &text("axb")), 0);
    assert_eq!(earned(&star, "q1", &text("2 và 3")), 1_000_000);
    assert_eq!(earned(&star, "q1", &text("23")), 0);
}

#[test]
fn numbers_have_tolerances_ranges_and_several_answers() {
    for (source, right, wrong) in [
        ("{#1945}", &[1945.0][..], &[1945.1][..]),
        ("{#2.1415:0.0005}", &[2.141, 2.142], &[2.1409, 2.1421]),
        ("{#2.141..2.142}", &[2.141, 2.142], &[2.14, 2.143]),
        ("{#-5..-1 ####giữa}", &[-5.0, -1.0], &[0.0, -5.1]),
        ("{# =1e3 =2e3:1}", &[1000.0, 2001.0], &[1001.0]),
    ] {
        let quiz = read(&format!("Bao nhiêu? {source}"));
        assert_eq!(items(&quiz)[0]["kind"], "num", "{source}");
        for number in right {
            assert_eq!(
                earned(&quiz, "q1", &Answer::Number(*number)),
                1_000_000,
                "{source}"
            );
        }
        for number in wrong {
            assert_eq!(
                earned(&quiz, "q1", &Answer::Number(*number)),
                0,
                "{source} {number}"
            );
        }
    }
    let quiz = read("Năm nào?{#\n=1945:0#Đúng\n=%50%1945:2#Gần\n~#Xem lại bài\n}");
    let told = |year: f64| quiz.key.comments("q1", Some(&Answer::Number(year)));
    assert_eq!(earned(&quiz, "q1", &Answer::Number(1946.0)), 500_000);
    assert_eq!((told(1945.0), told(1947.0)), (vec!["Đúng"], vec!["Gần"]));
    assert_eq!(told(1900.0), ["Xem lại bài"]);
}

#[test]
fn pairs_may_share_a_right_side_and_offer_one_that_fits_nothing() {
    let quiz = read(
        "Nối.{\n=Hà Nội -> Việt Nam\n=Huế -> Việt Nam\n=[html]<b>Paris</b> -> Pháp\n= -> Lào\n}",
    );
    let item = &items(&quiz)[0];
    assert_eq!(item["kind"], "match");
    assert_eq!(item["left"], json!(["Hà Nội", "Huế", "Paris"]));
    let right: Vec<&str> = item["right"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r.as_str().unwrap())
        .collect();
    let at =
        |name: &str| Some(u32::try_from(right.iter().position(|r| *r == name).unwrap()).unwrap());
    assert_eq!(right.len(), 3);
    let all = Answer::Pairs(vec![at("Việt Nam"), at("Việt Nam"), at("Pháp")]);
    assert_eq!(earned(&quiz, "q1", &all), 1_000_000);
    let some = Answer::Pairs(vec![at("Việt Nam"), at("Lào"), at("Pháp")]);
    assert_eq!(earned(&quiz, "q1", &some), 666_666);
}

#[test]
fn a_missing_word_leaves_a_blank_where_it_stood() {
    let item = only("::Từ::Mật khẩu phải {=dài ~ngắn} và riêng.");
    assert_eq!(item["text"], "Mật khẩu phải _____ và riêng.");
    let item = only("[markdown]Hai cộng hai là\n{=bốn =4}\n, *đúng* không?");
    assert_eq!(item["text"], "Hai cộng hai là _____ , đúng không?");
    assert_eq!(only("Hai cộng hai? {=bốn =4}")["text"], "Hai cộng hai?");
}

#[test]
fn an_essay_is_asked_and_left_to_a_person() {
    let quiz = read("Viết về quê em. {####Cảm ơn}\n\nĐúng không?{T}");
    let item = &items(&quiz)[0];
    let shape = json!({"id": "q1", "kind": "text", "text": "Viết về quê em.", "max_chars": 4000,
        "weight": 0, "skills": [], "graded": false});
    assert_eq!(*item, shape);
    let (essay, truth) = (text("Quê em có lúa."), Answer::Truth(true));
    let mark = quiz
        .key
        .mark(|id| Some(if id == "q1" { &essay } else { &truth }));
    assert_eq!(
        (mark.for_person, mark.share().millionths(), mark.passed()),
        (1, 1_000_000, true)
    );
    assert_eq!(quiz.key.mark(|_| None).for_person, 0, "nothing was written");
}

#[test]
fn a_description_introduces_the_question_behind_it() {
    let quiz =
        read("Đọc đoạn sau.\nHai dòng.\n\nĐoạn thứ hai.\n\nHỏi gì?{T}\n\nCòn gì?{F}\n\nHết.");
    let texts: Vec<_> = items(&quiz).iter().map(|i| i["text"].clone()).collect();
    assert_eq!(
        texts,
        [
            "Đọc đoạn sau.\nHai dòng.\n\nĐoạn thứ hai.\n\nHỏi gì?",
            "Còn gì?"
        ]
    );
    assert_eq!(quiz.notes.len(), 1);
    assert_eq!(quiz.notes[0].line, Some(10));
}

#[test]
fn escaped_signs_are_shown_and_mean_nothing() {
    let item = only("Tập \\{1\\} \\~ \\= \\# \\: nào?\\nDòng hai {=\\= 2 + 3 ~\\#4 ~a\\\\b ~\\::}");
    assert_eq!(item["text"], "Tập {1} ~ = # : nào?\nDòng hai");
    let mut options: Vec<_> = item["options"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| o.as_str().unwrap())
        .collect();
    options.sort_unstable();
    assert_eq!(options, ["#4", "::", "= 2 + 3", "a\\b"]);
    let formula = read("Tính \\frac\\{1\\}\\{2\\} của \\(x^2\\){#1}");
    assert_eq!(
        items(&formula)[0]["text"],
        "Tính \\frac{1}{2} của \\(x^2\\)"
    );
    assert!(formula.notes.is_empty());
    let habit = read("Nói \\\"vâng\\\"{T}");
    assert_eq!(items(&habit)[0]["text"], "Nói \\\"vâng\\\"");
    assert!(
        habit.notes[0].what.contains("no escape"),
        "{:?}",
        habit.notes
    );
}

#[test]
fn titles_and_comments_never_reach_learners() {
    let quiz = read(
        "// đáp án: riêng\n::tên: riêng::Điền. // không phải chú thích\n// giữa: riêng\n{=riêng}\n",
    );
    let shown = items(&quiz)[0].to_string();
    assert!(
        !shown.contains("riêng") && !shown.contains("giữa"),
        "{shown}"
    );
    assert_eq!(items(&quiz)[0]["text"], "Điền. // không phải chú thích");
}

#[test]
fn the_head_of_the_file_says_what_the_native_form_says() {
    let quiz = read(concat!(
        "\u{feff}// Soạn bởi cô Lan\r\n// id = \"bai-1\"\r\n// title = \"Bài một\"\r\n",
        "// pass = 0.5\r\n",
        "// time_limit = \"20m\"\r\n// skills = [\"so\"]\r\n\r\n",
        "// opens_at = 2027-03-01T08:00:00+07:00\r\n// name: x = y\r\nHỏi?{T}\r\n\r\n",
        "// pass = 1\r\nHỏi nữa?{F}\r\n",
    ));
    assert_eq!(quiz.id.as_ref().unwrap().as_str(), "bai-1");
    assert_eq!(
        (quiz.title.main(), quiz.time_limit_ms),
        ("Bài một", Some(1_200_000))
    );
    assert_eq!(quiz.opens_at.unwrap().to_string(), "2027-03-01T01:00:00Z");
    assert_eq!(items(&quiz)[1]["skills"], json!(["so"]));
    let half = Answer::Truth(true);
    assert!(quiz.key.mark(|_| Some(&half)).passed(), "half is enough");
    let problems = parse("\n// pass = 2\n\nHỏi?{T}\n").unwrap_err();
    assert_eq!(problems[0].line, Some(2), "{problems:?}");
    let mistyped = read("// tilte = \"Bài\"\nHỏi?{T}\n");
    assert!(
        mistyped.notes[0].remedy.contains("`title`"),
        "{:?}",
        mistyped.notes
    );
}

#[test]
fn categories_tags_and_ids_of_moodle_are_kept() {
    let quiz = read(concat!(
        "$CATEGORY: $course$/top/mat-khau\n\nA?{T}\n\n",
        "// question: 7\n// [id:cau-7] [tag:an-toan] [tag:x y]\n",
        "B?{T}\n\n$CATEGORY: Ngân hàng câu hỏi\n\nC?{T}\n",
    ));
    let shown: Vec<_> = items(&quiz)
        .iter()
        .map(|i| (i["id"].clone(), i["skills"].clone()))
        .collect();
    assert_eq!(shown[0], (json!("q1"), json!(["mat-khau"])));
    assert_eq!(shown[1], (json!("cau-7"), json!(["an-toan"])));
    assert_eq!(shown[2], (json!("q3"), json!([])));
}

#[test]
fn markup_becomes_plain_text_and_nothing_of_it_runs() {
    for (source, shown) in [
        (
            "[html]<p>Một</p>\n<p>hai &amp; ba</p><ul><li>bốn</li><li>năm</li></ul>",
            "Một\nhai & ba\n• bốn\n• năm",
        ),
        (
            "[html]H<sub>2</sub>O, x<sup>10</sup>, y<sup>a</sup>",
            "H₂O, x¹⁰, y^(a)",
        ),
        (
            "[html]<script>alert('<b>x</b>')</script>ừ<style>p</style>",
            "ừ",
        ),
        ("[html]<img src=x onerror=alert(1)>a<!-- riêng -->b", "ab"),
        ("[moodle]dòng một\ndòng <b>hai</b>", "dòng một\ndòng hai"),
        (
            "nếu a<b và c>d thì a < d &lt;b&gt;",
            "nếu a<b và c>d thì a < d <b>",
        ),
        ("[plain]<b>đậm</b> &amp;", "<b>đậm</b> &amp;"),
        (
            "[markdown]**đậm** và _nghiêng_ `x*y*z` 3 \\* 4",
            "đậm và nghiêng x*y*z 3 * 4",
        ),
        ("[ghi chú] hỏi", "[ghi chú] hỏi"),
    ] {
        assert_eq!(only(&format!("{source}{{T}}"))["text"], shown, "{source}");
    }
    let picture = read(
        "[html]Hình <img src\\=\"a.png\" alt\\=\"con mèo &quot;M&quot;\"> gì?\
         {=[html]<i>mèo</i> ~<u>chó</u>}",
    );
    assert_eq!(items(&picture)[0]["text"], "Hình [con mèo \"M\"] gì?");
    assert!(
        picture.notes[0].what.contains("pictures"),
        "{:?}",
        picture.notes
    );
    assert_eq!(
        earned(&picture, "q1", &choice(&picture, &["mèo"])),
        1_000_000
    );
}

#[test]
fn what_is_right_changes_nothing_that_is_public() {
    let id = Slug::parse("q").unwrap();
    let public = |text: &str| read(text).chunk(&id);
    for (a, b) in [
        ("Hỏi?{=a ~b ~c}", "Hỏi?{~a ~b#vì sao =c####hết}"),
        (
            "Hỏi?{~%50%a ~%50%b ~%-100%c}",
            "Hỏi?{~%100%c ~%-10%b ~%-10%a}",
        ),
        ("Hỏi?{T}", "Hỏi?{FALSE#x#y}"),
        (
            "Hỏi?{=một}",
            "Hỏi?{=rất nhiều chữ trong một câu trả lời =%10%hai*}",
        ),
        ("Hỏi?{#1}", "Hỏi?{#=123456:99 ~#x}"),
        ("Hỏi?{=1->a =2->b =3->c}", "Hỏi?{=1->c =2->a =3->b}"),
    ] {
        assert_eq!(public(a), public(b), "{a} {b}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(
        text in "(?s).{0,200}",
        signs in "[a=~#%{}:\\\\\\*>\\[\\]\n 0-9<-]{0,120}",
    ) {
        drop(parse(&text));
        drop(parse(&signs));
        drop(parse(&format!("Hỏi?{{{signs}}}")));
    }

    #[test]
    fn any_text_survives_when_it_is_escaped(
        question in "[ -~à-ỹ]{1,40}", right in "[ -~à-ỹ]{1,40}", wrong in "[ -~à-ỹ]{1,40}",
    ) {
        let tidy = |text: &str| text.trim().to_owned();
        let (question, right, wrong) = (tidy(&question), tidy(&right), tidy(&wrong));
        prop_assume!(!question.is_empty() && !right.is_empty() && !wrong.is_empty());
        prop_assume!(right != wrong);
        let escaped = |text: &str| {
            let control = |c: char| ":#={}~\\".contains(c);
            let escape = |c| if control(c) { format!("\\{c}") } else { c.to_string() };
            format!("[plain]{}", text.chars().map(escape).collect::<String>())
        };
        let source = format!(
            "{}{{={} ~{}}}", escaped(&question), escaped(&right), escaped(&wrong),
        );
        let quiz = read(&source);
        prop_assert_eq!(&items(&quiz)[0]["text"], &question);
        prop_assert_eq!(earned(&quiz, "q1", &choice(&quiz, &[&right])), 1_000_000);
        prop_assert_eq!(earned(&quiz, "q1", &choice(&quiz, &[&wrong])), 0);
    }
}
