// The views of the catalogue: courses, a course, a lesson, a quiz. For learners who are signed in
// each shows how far they are.

import { attempt } from "./attempt.js";
import { el } from "./dom.js";
import { nameOf, number, pick, t, why } from "./i18n.js";
import { courseShare, enrolled, lessonOf, meter } from "./people.js";
import { player } from "./player.js";
import { practice } from "./quiz.js";
import { reading, tabs } from "./read.js";
import { watch } from "./watch.js";

/** There is no such view. */
export class Missing extends Error {}

/** The catalogue, and where the learner goes on. */
export async function courses(desk) {
  const { session, json } = desk;
  const { courses: list } = await json("/v1/courses?limit=100");
  const cards = list.map((course) => el("li", { class: "card course" },
    lamp(),
    el("div", {},
      el("h2", {}, link(`#/course/${course.id}`, course.title)),
      el("p", { class: "meta" }, () => [t("n_lessons", { n: course.lessons }), minutes(course.duration_ms),
        course.languages.map(nameOf).join(", "),
        enrolled(session.state, course.id) && t("enrolled")].filter(Boolean).join(" · ")))));
  return { title: () => `${t("courses")} · Lamplight`, nodes: [
    el("div", { class: "hero" }, heading(() => t("welcome")), el("p", {}, () => t("welcome_more"))),
    await onward(desk),
    cards.length ? el("ul", { class: "cards", "aria-label": () => t("courses") }, cards)
      : el("p", { class: "notice" }, () => t("none"))].filter(Boolean) };
}

/** The lesson that was watched last, on whichever device. */
async function onward({ session, json }) {
  await session.fresh();
  const resume = session.state?.resume ?? session.account?.resume;
  if (!resume) return null;
  const course = await json(address(resume.course)).catch(() => null);
  const one = course?.lessons.find((lesson) => lesson.id === resume.lesson);
  if (!one) return null;
  return el("p", { class: "onward" }, el("a", { class: "button", id: "resume",
    href: `#/course/${resume.course}/lesson/${resume.lesson}` },
  () => t("resume", { title: pick(one.title).text, at: place(resume.at_ms) })));
}

/** A course: its lessons and quizzes, and what the learner has done of them. */
export async function outline(desk, id) {
  const { session, json, outbox } = desk;
  const course = await json(address(id));
  await session.fresh();
  const known = () => enrolled(session.state, id);
  const rows = course.lessons.map((one, at) => el("li", { class: "card lesson" },
    el("span", { class: "place", "aria-hidden": "true" }, String(at + 1)),
    el("div", {},
      el("h2", {}, link(`#/course/${id}/lesson/${one.id}`, one.title)),
      words("p", one.summary),
      el("p", { class: "meta" }, () => about(one)),
      one.hls ? meter(() => (known() ? lessonOf(known(), one.id)?.coverage ?? 0 : null),
        () => t("progress_of", { title: pick(one.title).text })) : null,
      quizLinks(desk, course, one.id, false))));
  const enrol = el("button", { type: "button", class: "button", id: "enrol",
    hidden: () => !session.account || known() !== null,
    onclick: () => outbox.enrol(session.learner, id) }, () => t("enrol"));
  const refused = el("p", { class: "notice", role: "status", hidden: () => !outbox?.refusals.has(id) },
    () => (outbox?.refusals.has(id) ? t("refused", { why: why(outbox.refusals.get(id)) }) : ""));
  return { title: () => `${pick(course.title).text} · Lamplight`, nodes: [
    way([["#/", () => t("back_courses")]]),
    el("div", { class: "hero" }, words("h1", course.title, { tabindex: -1 }),
      words("p", course.summary),
      meter(() => courseShare(session.state, course), () => t("progress_of",
        { title: pick(course.title).text })), enrol, refused),
    el("ol", { class: "cards", "aria-label": () => t("lessons") }, rows),
    quizLinks(desk, course, null)].filter(Boolean) };
}

/** A lesson: the recording goes on where the learner left it. */
export async function lesson(desk, courseId, id) {
  const course = await desk.json(address(courseId));
  const at = course.lessons.findIndex((one) => one.id === id);
  if (at < 0) throw new Missing();
  const one = course.lessons[at], next = course.lessons[at + 1];
  const name = () => pick(one.title).text;
  const stage = one.hls ? await screen(desk, course, one, name) : null;
  return { title: () => `${name()} · Lamplight`, close: () => stage?.close(), nodes: [
    way([["#/", () => t("back_courses")], [`#/course/${courseId}`, () => pick(course.title).text]]),
    words("h1", one.title, { tabindex: -1 }),
    words("p", one.summary, { class: "lead" }),
    watchOrRead(one, stage?.node ?? el("div")), attachments(one),
    el("div", { class: "onward" }, quizLinks(desk, course, id),
      next ? el("a", { class: "button", href: `#/course/${courseId}/lesson/${next.id}` },
        () => `${t("next_lesson")}: ${pick(next.title).text}`) : null)].filter(Boolean) };
}

/** The player in its place; it is built anew when a learner asks for another try. */
async function screen(desk, course, one, name) {
  const { session, outbox, store } = desk;
  const account = session.account;
  const node = el("div", { class: "stage" }), about = { course: course.id, lesson: one.id };
  let shown = null, follower = () => {};
  const close = () => { follower(); shown?.close(); };
  const start = (seconds, totals) => {
    close();
    shown = player(one, name);
    shown.node.addEventListener("restart", (event) => start(event.detail, totals));
    const video = shown.node.querySelector("video");
    node.replaceChildren(...[resumed(video, seconds), shown.node, kept(desk)].filter(Boolean));
    if (seconds > 0) video.addEventListener("loadedmetadata", () => { video.currentTime = seconds; },
      { once: true });
    if (!account) return;
    follower = watch(video, account, { ...about, length: one.duration_ms }, outbox, totals);
    // Who watches wants it to count.
    video.addEventListener("playing", () => {
      if (!enrolled(session.state, course.id)) outbox.enrol(account.learner, course.id);
    }, { once: true });
  };
  if (!account) {
    start(0);
    return { node, close };
  }
  // What has not left yet is newer; asked first, so that it is not missed on its way.
  const unsent = await outbox.place(account.learner, course.id, one.id);
  await session.fresh();
  const totals = await store.run((shelf) => shelf.get("totals", account.learner, course.id, one.id));
  const left = unsent ?? lessonOf(enrolled(session.state, course.id), one.id)?.position_ms ?? 0;
  // Who saw it to the end begins anew.
  start(left < one.duration_ms - END_MS ? left / 1000 : 0, totals ?? { played: 0, visible: 0 });
  return { node, close };
}

/** Says that the lesson does not begin at its beginning, and leads there. */
function resumed(video, seconds) {
  if (seconds < RESUME_S_MIN) return null;
  const note = el("p", { class: "notice", id: "resumed" }, () => t("resumed", { at: place(seconds * 1000) }),
    el("button", { type: "button", onclick: () => {
      video.currentTime = 0;
      note.remove();
      video.focus();
    } }, () => t("from_start")));
  return note;
}

/** Whether what was watched is saved. */
function kept({ session, outbox, store }) {
  if (!session.account) return null;
  const text = () => (store.volatile ? t("volatile")
    : outbox.late ? t("watched_waiting") : t("watched_saved"));
  return el("p", { class: "saving", id: "watched", "data-save":
    () => (outbox.late ? "waiting" : "saved") }, text);
}

/** A quiz: an attempt for learners, practice for everybody else. */
export async function exercise(desk, courseId, id) {
  const { session, json } = desk;
  const course = await json(address(courseId));
  const one = course.quizzes.find((q) => q.id === id);
  if (!one) throw new Missing();
  const from = course.lessons.find((l) => l.id === one.lesson);
  const trail = [["#/", () => t("back_courses")], [`#/course/${courseId}`, () => pick(course.title).text]];
  if (from) trail.push([`#/course/${courseId}/lesson/${from.id}`, () => pick(from.title).text]);
  const head = [way(trail), words("h1", one.title, { tabindex: -1 })];
  const title = () => `${pick(one.title).text} · Lamplight`;
  if (session.account) {
    await session.fresh();
    const sheet = attempt(desk, course, one);
    await sheet.ready;
    return { title, close: sheet.close, nodes: [...head, sheet.node] };
  }
  const invitation = desk.outbox && el("a", { class: "inline", href: "#/sign-in" },
    () => t("sign_in_to_hand_in"));
  return { title, nodes: [...head, practice(await json(one.url), `${courseId}.${id}`, invitation)] };
}

function quizLinks({ session }, course, lessonId, counted = true) {
  const some = course.quizzes.filter((q) => (q.lesson ?? null) === lessonId);
  const best = (q) => {
    const mine = enrolled(session.state, course.id)?.quizzes?.find((one) => one.id === q.id);
    return Number.isFinite(mine?.best) ? t("best", { n: number(mine.best * 100) }) : null;
  };
  return some.length ? el("p", { class: "exercises" }, some.map((q) =>
    el("a", { class: "button second", href: `#/course/${course.id}/quiz/${q.id}` },
      () => [pick(q.title).text || t("exercise"), counted && t("n_items", { n: q.items }), best(q)]
        .filter(Boolean).join(" · ")))) : null;
}

/** The recording, the reading page, or both as tabs. */
function watchOrRead(lesson, place) {
  const texts = lesson.text ?? {};
  if (!Object.keys(texts).length) return place;
  if (!lesson.hls) return reading(texts);
  return tabs(() => t("watch_or_read"), [
    { name: "watch", title: () => t("watch"), node: place },
    { name: "read", title: () => t("read"), node: reading(texts) }]);
}

function attachments(lesson) {
  const files = lesson.attachments ?? [];
  return files.length ? el("section", { class: "facts", "aria-labelledby": "files-title" },
    el("h2", { id: "files-title" }, () => t("files")), el("ul", { class: "files" }, files.map((file) =>
      el("li", {}, el("a", { href: file.url, download: true }, file.path.split("/").at(-1)))))) : null;
}

/** The way back, from the list of courses down. */
function way(steps) {
  return el("nav", { class: "way", "aria-label": () => t("way") }, el("ol", {},
    steps.map(([href, text]) => el("li", {}, el("a", { href }, text)))));
}

/** The heading of a view, which takes the focus when the view opens. */
export function heading(text) {
  return el("h1", { tabindex: -1 }, text);
}

function link(href, texts) {
  return el("a", { href, lang: () => pick(texts).lang }, () => pick(texts).text);
}

/** An element whose words may be in another language than the page; null without words. */
function words(tag, texts, attributes = {}) {
  if (!pick(texts).text) return null;
  return el(tag, { ...attributes, lang: () => pick(texts).lang }, () => pick(texts).text);
}

function about(lesson) {
  const captions = (lesson.captions ?? []).map(nameOf).join(", ");
  return [minutes(lesson.duration_ms), captions && `${t("captions")}: ${captions}`].filter(Boolean).join(" · ");
}

function minutes(ms) {
  return t("minutes", { n: number(Math.max(ms / 60000, 0.1), ms < 600000 ? 1 : 0) });
}

/** A place in a recording, as players write it. */
function place(ms) {
  const s = Math.floor(ms / 1000);
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}

function address(course) {
  return `/v1/courses/${encodeURIComponent(course)}`;
}

function lamp() {
  return el("img", { src: "/page/icon.svg", alt: "", width: 56, height: 56 });
}

const END_MS = 3000;
const RESUME_S_MIN = 3;
