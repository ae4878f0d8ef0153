// The two languages of the page, and reading `{"vi": …, "en": …}` titles in them.

const STORE = "lamplight.language";

const TEXTS = {
  vi: {
    skip: "Đến nội dung chính",
    tagline: "Học mọi lúc, trên mọi thiết bị",
    language: "Ngôn ngữ của trang",
    courses: "Khóa học",
    welcome: "Thắp một ngọn đèn, học một điều mới",
    welcome_more: "Những bài học ngắn, miễn phí, chạy tốt cả khi mạng chậm. Chọn một khóa học để bắt đầu.",
    lessons: "Bài học",
    n_lessons: "{n} bài học",
    n_items: "{n} câu hỏi",
    minutes: "{n} phút",
    exercise: "Luyện tập",
    way: "Bạn đang ở",
    back_courses: "Tất cả khóa học",
    files: "Tài liệu kèm theo",
    watch: "Xem",
    read: "Đọc",
    watch_or_read: "Xem hoặc đọc bài học",
    unread: "Không tải được bài đọc.",
    next_lesson: "Bài tiếp theo",
    loading: "Đang tải…",
    none: "Chưa có khóa học nào. Hãy thêm một thư mục khóa học rồi tải lại trang.",
    not_found: "Không tìm thấy trang này.",
    failed: "Không tải được: {why}",
    failed_network: "không kết nối được với máy chủ",
    failed_decoding: "trình duyệt không giải mã được đoạn này",
    failed_status: "máy chủ trả lời {status}",
    retry: "Thử lại",
    video_of: "Video bài học: {title}",
    quality: "Chất lượng",
    auto: "Tự động",
    audio_only: "Chỉ âm thanh",
    slides: "ảnh tĩnh",
    captions: "Phụ đề",
    off: "Tắt",
    speed: "Tốc độ",
    connection: "Đường truyền",
    protocol: "Giao thức",
    playing: "Đang phát",
    speed_measured: "Tốc độ mạng",
    ahead: "Đã tải trước",
    seconds: "{n} giây",
    unknown: "chưa rõ",
    listening: "Bạn đang nghe phần âm thanh của bài học.",
    offline: "Mất kết nối. Bài học sẽ tiếp tục ngay khi có mạng trở lại.",
    trouble: "Mạng đang chập chờn, đang thử lại…",
    back_online: "Đã kết nối lại.",
    unplayable: "Trình duyệt này không phát được video của bài học. Hãy dùng phiên bản mới của Chromium, Firefox, Edge hoặc Safari.",
    lost: "Không tải tiếp được bài học: {why}.",
    is_h3: "Bài học đang đến qua HTTP/3.",
    not_h3_private: "Bài học đang đến qua {protocol}, vì trình duyệt không dùng HTTP/3 với chứng chỉ riêng của máy chủ này; hãy chạy lệnh “make open” để xem qua HTTP/3.",
    not_h3_public: "Bài học đang đến qua {protocol}, vì trình duyệt hoặc mạng này chưa dùng HTTP/3; bài học vẫn chạy bình thường, bạn không cần làm gì.",
    kind_one: "Chọn một câu trả lời",
    kind_many: "Chọn tất cả câu đúng",
    kind_tf: "Đúng hay sai",
    kind_num: "Nhập một số",
    kind_text: "Viết câu trả lời",
    kind_match: "Nối từng cặp",
    kind_order: "Sắp xếp theo thứ tự",
    question: "Câu {n}",
    yes: "Đúng",
    no: "Sai",
    choose: "Chọn…",
    number_in: "Câu trả lời ({unit})",
    number: "Câu trả lời (số)",
    answer_up_to: "Câu trả lời (nhiều nhất {n} ký tự)",
    read_by_person: "Câu này do người chấm, không tính vào điểm tự động.",
    pair_of: "Ghép với “{left}”",
    move_up: "Đưa “{what}” lên",
    move_down: "Đưa “{what}” xuống",
    moved: "“{what}” ở vị trí {n} trên {of}.",
    order_keep: "Thứ tự này là câu trả lời của tôi",
    answered: "Đã trả lời {n} trên {of} câu",
    on_device: "Câu trả lời chỉ được giữ trên thiết bị này. Trang chưa gửi bài và chưa chấm điểm; việc nộp bài sẽ có khi bạn đăng nhập được.",
    clear: "Xóa câu trả lời",
    cleared: "Đã xóa câu trả lời.",
    unknown_kind: "Trang này chưa hiển thị được loại câu hỏi “{kind}”.",
  },
  en: {
    skip: "Skip to the main content",
    tagline: "Learn any time, on any device",
    language: "Language of the page",
    courses: "Courses",
    welcome: "Light a lamp, learn one new thing",
    welcome_more: "Short, free lessons that run well even on a slow network. Choose a course to begin.",
    lessons: "Lessons",
    n_lessons: "{n} lessons",
    n_items: "{n} questions",
    minutes: "{n} min",
    exercise: "Exercise",
    way: "You are here",
    back_courses: "All courses",
    files: "Files with this lesson",
    watch: "Watch",
    read: "Read",
    watch_or_read: "Watch or read the lesson",
    unread: "The text cannot be loaded.",
    next_lesson: "Next lesson",
    loading: "Loading…",
    none: "There is no course yet. Add a course folder and reload the page.",
    not_found: "This page does not exist.",
    failed: "Loading failed: {why}",
    failed_network: "the server cannot be reached",
    failed_decoding: "the browser could not decode this part",
    failed_status: "the server answered {status}",
    retry: "Try again",
    video_of: "Lesson video: {title}",
    quality: "Quality",
    auto: "Automatic",
    audio_only: "Sound only",
    slides: "still pictures",
    captions: "Subtitles",
    off: "Off",
    speed: "Speed",
    connection: "Connection",
    protocol: "Protocol",
    playing: "Playing",
    speed_measured: "Network speed",
    ahead: "Loaded ahead",
    seconds: "{n} s",
    unknown: "not known yet",
    listening: "You are listening to the sound of the lesson.",
    offline: "You are offline. The lesson goes on as soon as the network is back.",
    trouble: "The network is unsteady, trying again…",
    back_online: "Connected again.",
    unplayable: "This browser cannot play the lesson's video. Please use a recent Chromium, Firefox, Edge or Safari.",
    lost: "The lesson could not be loaded further: {why}.",
    is_h3: "The lesson arrives over HTTP/3.",
    not_h3_private: "The lesson arrives over {protocol}, because browsers do not use HTTP/3 with this server's private certificate; run “make open” to watch it over HTTP/3.",
    not_h3_public: "The lesson arrives over {protocol}, because this browser or network does not use HTTP/3 yet; the lesson works as usual and you need not do anything.",
    kind_one: "Choose one answer",
    kind_many: "Choose all that are right",
    kind_tf: "True or false",
    kind_num: "Enter a number",
    kind_text: "Write your answer",
    kind_match: "Match the pairs",
    kind_order: "Put in order",
    question: "Question {n}",
    yes: "True",
    no: "False",
    choose: "Choose…",
    number_in: "Answer ({unit})",
    number: "Answer (a number)",
    answer_up_to: "Answer (at most {n} characters)",
    read_by_person: "A person reads this answer; it is not part of the automatic score.",
    pair_of: "Match for “{left}”",
    move_up: "Move “{what}” up",
    move_down: "Move “{what}” down",
    moved: "“{what}” is at position {n} of {of}.",
    order_keep: "This order is my answer",
    answered: "{n} of {of} questions answered",
    on_device: "Your answers stay on this device only. This page does not hand them in or grade them yet; that comes once you can sign in.",
    clear: "Clear my answers",
    cleared: "Your answers were cleared.",
    unknown_kind: "This page cannot show questions of the kind “{kind}” yet.",
  },
};

let language = first();

/** The language of the page: `vi` or `en`. */
export function now() {
  return language;
}

/** Changes it and remembers the choice on this device. */
export function use(next) {
  language = next in TEXTS ? next : "vi";
  document.documentElement.lang = language;
  try { localStorage.setItem(STORE, language); } catch { /* a private window keeps nothing */ }
}

/** The text `key` with `{name}` replaced from `values`. */
export function t(key, values = {}) {
  const text = TEXTS[language][key] ?? TEXTS.vi[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** The best of `{"vi": …, "en": …}` for the page, as `{text, lang}`. */
export function pick(texts) {
  const all = texts ?? {};
  const lang = [language, "vi", "en", ...Object.keys(all)].find((l) => all[l]);
  return { text: all[lang] ?? "", lang };
}

/** A number as this language writes it. */
export function number(value, digits = 0) {
  return value.toLocaleString(language, { maximumFractionDigits: digits });
}

/** The name of a language in the language of the page, e.g. `English`, `tiếng Anh`. */
export function nameOf(tag) {
  try {
    const name = new Intl.DisplayNames([language], { type: "language" }).of(tag) ?? tag;
    return name.charAt(0).toLocaleUpperCase(language) + name.slice(1);
  } catch { return tag; }
}

function first() {
  let kept = null;
  try { kept = localStorage.getItem(STORE); } catch { /* as above */ }
  if (kept in TEXTS) return kept;
  const wanted = navigator.languages?.find((l) => l.slice(0, 2) in TEXTS);
  return wanted?.slice(0, 2) ?? "vi";
}
