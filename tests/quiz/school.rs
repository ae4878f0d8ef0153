//! A course with a secret in every place where an author writes one.

use std::fs;
use std::path::Path;

/// What no learner may read before an answer is graded. Numbers are unlikely ones.
pub(crate) const SECRETS: [&str; 12] = [
    "bimat-giai-thich",
    "bimat-phan-hoi",
    "bimat-dap-an",
    "bimat-chu-thich",
    "bimat-tieu-de",
    "bimat-hong",
    "8675309",
    "0.0417",
    "577215",
    "correct",
    "tolerance",
    "feedback",
];

/// What learners must see, in chunks of both forms.
pub(crate) const SHOWN: [&str; 6] = [
    "công khai một",
    "công khai nhiều",
    "công khai nối",
    "gift một",
    "gift nối",
    "Kể lại.",
];

/// Parts of URLs of which each kind of reply has one.
pub(crate) const KINDS: [&[&str]; 13] = [
    &["/v1/courses"],
    &["/v1/courses/truong"],
    &["/v1/openapi.json"],
    &["/page/"],
    &["master.m3u8"],
    &["playlist.m3u8"],
    &["manifest.mpd"],
    &["/text/truong/mot/vi"],
    &["init.mp4"],
    &[".m4s"],
    &[".vtt"],
    &["/quiz/truong/luyen-tap/"],
    &["/files/truong/"],
];

pub(crate) fn build(content: &Path) {
    let course = content.join("truong");
    let lesson = course.join("01-mot");
    fs::create_dir_all(&lesson).unwrap();
    let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("content/ky-nang-so/01-mat-khau");
    for name in ["video-240p.mp4", "audio.m4a", "captions.vi.vtt"] {
        fs::copy(bundled.join(name), lesson.join(name)).unwrap();
    }
    let write = |name: &str, text: &str| fs::write(lesson.join(name), text).unwrap();
    fs::write(
        course.join("course.toml"),
        "title = \"Trường\"\nlanguages = [\"vi\"]\n",
    )
    .unwrap();
    write("ghi-chu.txt", "Ghi chú cho mọi người.\n");
    write("text.vi.md", "# Bài đọc\n\nCho mọi người.\n");
    write("quiz.toml", NATIVE);
    write("luyen-tap.gift", GIFT);
    write("hong.gift", "Hỏng?{=bimat-hong ~bimat-hong}\n");
    write(
        "hong.toml",
        "[[item]]\nkind = \"text\"\ntext = \"?\"\nmax_chars = 3\ncorrect = [\"bimat-hong\"]\n",
    );
}

const NATIVE: &str = r##"
# bimat-chu-thich
[[item]]
kind = "one"
text = "công khai một"
options = ["a", "b"]
correct = [1]
explain = "bimat-giai-thich"
feedback = ["", "bimat-phan-hoi"]
[[item]]
kind = "many"
text = "công khai nhiều"
options = ["a", "b", "c"]
correct = [0, 1]
explain = "bimat-giai-thich"
[[item]]
kind = "tf"
text = "Đúng?"
correct = true
feedback = ["bimat-phan-hoi", ""]
[[item]]
kind = "num"
text = "Bao nhiêu?"
correct = 8675309
tolerance = 0.0417
[[item]]
kind = "text"
text = "Viết."
correct = ["bimat-dap-an"]
[[item]]
kind = "match"
text = "công khai nối"
left = ["1", "2"]
right = ["x", "y"]
correct = [1, 0]
explain = "bimat-giai-thich"
[[item]]
kind = "order"
text = "Xếp."
options = ["i", "ii", "iii"]
correct = [2, 0, 1]
explain = "bimat-giai-thich"
"##;

const GIFT: &str = r"
// title = 'Luyện tập'
// time_limit = '1m'
// bimat-chu-thich

Đọc trước.
Hai dòng

::bimat-tieu-de::gift một?{=a#bimat-phan-hoi ~b####bimat-giai-thich}

Nhiều?{~%50%a ~%50%b#bimat-phan-hoi ~%-100%c}

// bimat-chu-thich
Đúng?{T#bimat-phan-hoi#bimat-phan-hoi}

Điền {=bimat-dap-an#bimat-phan-hoi =%50%bimat-dap-an*} vào.

Bao nhiêu?{#=577215:0.0417#bimat-phan-hoi ~#bimat-phan-hoi}

gift nối{=1->x =2->y####bimat-giai-thich}

Kể lại.{####bimat-giai-thich}
";
