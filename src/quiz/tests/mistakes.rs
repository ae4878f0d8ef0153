//! Tests of what authors are told of GIFT.

use crate::quiz::tests::gift::parse;
use crate::quiz::tests::gift::read;

#[test]
fn authors_mistakes_are_named_with_line_and_remedy() {
    let long = format!("Hỏi {}{{T}}", "dài ".repeat(1100));
    let many = format!(
        "Hỏi?{{={}}}",
        (0..17).map(|n| n.to_string()).collect::<Vec<_>>().join("~")
    );
    for (source, line, what, remedy) in [
        ("Hỏi?{=a ~a}", 1, "`a` stands twice", "different"),
        (
            "\nHỏi?{\n~a\n~b}",
            2,
            "no option of this question is right",
            "`=`",
        ),
        ("Hỏi?{=a =b ~c}", 1, "several options", "%50%"),
        ("Hỏi?{~%50%a ~c =%50%d}", 1, "earns everything", "`=`"),
        ("Hỏi?{~%50%a ~%40%b ~c}", 1, "add up to 90 %", "change"),
        ("Hỏi?{~%120%a ~b}", 1, "`%120%` is no weight", "-100"),
        ("Hỏi?{\n~%50 a\n~b}", 2, "no second `%`", "%50%"),
        ("Hỏi?{=a}{=b}", 1, "second pair of braces", "blank line"),
        ("Hỏi?{=a\n\n~b}", 1, "not closed", "close it"),
        ("Hỏi? a}", 1, "closes nothing", "\\}"),
        ("Hỏi?{=a {x} ~b}", 1, "within the answers", "\\{"),
        ("Hỏi?{=a ~}", 1, "blank", "text"),
        ("Hỏi?{a ~b =c}", 1, "before the first", "begin"),
        ("Hỏi?{~a}", 1, "no option", "`=`"),
        ("Hỏi?{=%100%a ~%-100%}", 1, "blank", "text"),
        ("Hỏi?{=a->b}", 1, "1 entries", "2 to 16"),
        ("Hỏi?{=a->b =c}", 1, "no `->`", "-> right"),
        ("Hỏi?{=a->b =a->c}", 1, "twice on the left", "different"),
        ("Hỏi?{=a->b#x =c->d}", 1, "no feedback", "####"),
        ("Hỏi?{#}", 1, "no number", "{#12}"),
        ("Hỏi?{#3,14}", 1, "`3,14` is not a number", "point"),
        ("Hỏi?{#5..1}", 1, "no number lies", "smaller"),
        ("Hỏi?{#5:-1}", 1, "no number lies", "minus"),
        ("Hỏi?{true}", 1, "not true or false", "TRUE"),
        ("Hỏi?{=%50%a}", 1, "no accepted answer", "weight"),
        ("Hỏi?{=a =A }", 1, "stands twice", "remove"),
        ("{=a ~b}", 1, "no text", "before the braces"),
        ("$CATEGORY: a\nHỏi?{T}", 1, "one block", "blank line"),
        (
            "// [id:a]\nA?{T}\n\n// [id:a]\nB?{T}",
            5,
            "called `a`",
            "rename",
        ),
        (&long, 1, "longer than 4000", "shorten"),
        (&many, 1, "17 answers", "2 to 16"),
    ] {
        let problems = parse(source).unwrap_err();
        let found = problems
            .iter()
            .any(|p| p.line == Some(line) && p.what.contains(what) && p.remedy.contains(remedy));
        assert!(found, "{source}: {problems:#?}");
    }
    let empty = parse("// nothing\n\n").unwrap_err();
    assert!(empty[0].what.contains("no question"), "{empty:?}");
    let every = parse("A?{=a}{\n\nB?{true}\n").unwrap_err();
    assert_eq!(every.len(), 2, "all at once: {every:?}");
    let careless = read("Hai?{~%50%a ~%50%b ~c}");
    assert!(
        careless.notes[0].what.contains("every option"),
        "{:?}",
        careless.notes
    );
}

#[test]
fn a_hostile_file_is_told_of_in_bounds() {
    for (piece, told) in [
        ("}\n\n", 51),
        ("Hỏi?{true}\n\n", 51),
        ("a\n\n", 1),
        ("Hỏi \\\" <!-- <a <b {T}\n\n", 51),
        ("=a~", 1),
        ("<!--", 1),
        ("// tilte = 1\n", 1),
        ("\n", 1),
    ] {
        let problems = parse(&piece.repeat(1 << 16)).unwrap_err();
        assert!(
            problems.len() <= told,
            "{piece:?}: {} problems",
            problems.len()
        );
    }
    let notes = read(&format!("{}{{T}}", "\\\" ".repeat(1000))).notes;
    assert_eq!(notes.len(), 50);
    let many: String = (0..101).map(|n| format!("={n} ")).collect();
    let problems = parse(&format!("Hỏi?{{{many}}}")).unwrap_err();
    assert!(problems[0].what.contains("100 answers"), "{problems:?}");
}
