// The page: which view is open, and moving between them. Addresses stand behind the `#`, so that
// the server has one document only: `#/`, `#/course/{id}`, `#/course/{id}/lesson/{id}`,
// `#/course/{id}/quiz/{id}`.

import { el, enter, refresh } from "./dom.js";
import { nameOf, now as language, number, pick, t, use } from "./i18n.js";
import { player } from "./player.js";
import { quiz } from "./quiz.js";
import { reading, tabs } from "./read.js";

const main = document.getElementById("main");
let leave = () => {};
let title = () => "Lamplight";
let turn = 0;

class Missing extends Error {}

frame();
window.addEventListener("hashchange", () => show(true));
show(false);

/** What stays on every view: skip link, name, language. */
function frame() {
  use(language());
  const tongue = (lang, name) => el("button", { type: "button", lang, "aria-pressed":
    () => String(language() === lang), onclick: () => { use(lang); refresh(); retitle(); } }, name);
  document.getElementById("skip").replaceWith(el("a", { id: "skip", href: "#main",
    onclick: (event) => { event.preventDefault(); main.focus(); main.scrollIntoView(); } }, () => t("skip")));
  document.getElementById("tagline").replaceWith(el("p", { id: "tagline" }, () => t("tagline")));
  document.getElementById("tongues").replaceWith(el("div", { id: "tongues", role: "group",
    "aria-label": () => t("language") }, tongue("vi", "Tiếng Việt"), tongue("en", "English")));
}

async function show(moved) {
  const mine = ++turn;
  leave();
  leave = () => {};
  enter(`view-${mine}`);
  const parts = location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decoded);
  main.replaceChildren(el("p", { class: "loading", role: "status" }, () => t("loading")));
  let view;
  try {
    view = await route(parts);
  } catch (error) {
    view = trouble(error);
  }
  if (mine !== turn) return view.close?.();
  leave = view.close ?? leave;
  title = view.title;
  main.replaceChildren(...view.nodes);
  retitle();
  if (!moved) return;
  window.scrollTo(0, 0);
  main.querySelector("h1")?.focus();
}

function route([kind, course, what, id, ...more]) {
  if (kind === undefined) return courses();
  if (kind === "course" && course && what === undefined) return outline(course);
  if (kind === "course" && what === "lesson" && id && !more.length) return lesson(course, id);
  if (kind === "course" && what === "quiz" && id && !more.length) return exercise(course, id);
  throw new Missing();
}

function retitle() {
  document.title = title();
}

async function courses() {
  const { courses: list } = await json("/v1/courses?limit=100");
  const cards = list.map((course) => el("li", { class: "card course" },
    lamp(),
    el("div", {},
      el("h2", {}, link(`#/course/${course.id}`, course.title)),
      el("p", { class: "meta" }, () => [t("n_lessons", { n: course.lessons }), minutes(course.duration_ms),
        course.languages.map(nameOf).join(", ")].join(" · ")))));
  return { title: () => `${t("courses")} · Lamplight`, nodes: [
    el("div", { class: "hero" }, heading(() => t("welcome")), el("p", {}, () => t("welcome_more"))),
    cards.length ? el("ul", { class: "cards", "aria-label": () => t("courses") }, cards)
      : el("p", { class: "notice" }, () => t("none"))] };
}

async function outline(id) {
  const course = await json(`/v1/courses/${encodeURIComponent(id)}`);
  const rows = course.lessons.map((one, at) => el("li", { class: "card lesson" },
    el("span", { class: "place", "aria-hidden": "true" }, String(at + 1)),
    el("div", {},
      el("h2", {}, link(`#/course/${id}/lesson/${one.id}`, one.title)),
      words("p", one.summary),
      el("p", { class: "meta" }, () => about(one)),
      quizLinks(course, one.id, false))));
  return { title: () => `${pick(course.title).text} · Lamplight`, nodes: [
    way([["#/", () => t("back_courses")]]),
    el("div", { class: "hero" }, words("h1", course.title, { tabindex: -1 }),
      words("p", course.summary)),
    el("ol", { class: "cards", "aria-label": () => t("lessons") }, rows),
    quizLinks(course, null)].filter(Boolean) };
}

async function lesson(courseId, id) {
  const course = await json(`/v1/courses/${encodeURIComponent(courseId)}`);
  const at = course.lessons.findIndex((one) => one.id === id);
  if (at < 0) throw new Missing();
  const one = course.lessons[at], next = course.lessons[at + 1];
  const name = () => pick(one.title).text;
  let screen;
  const place = el("div");
  const start = (time) => {
    screen?.close();
    screen = player(one, name);
    screen.node.addEventListener("restart", (event) => start(event.detail));
    place.replaceChildren(screen.node);
    if (time > 0) screen.node.querySelector("video").addEventListener("loadedmetadata",
      (event) => { event.target.currentTime = time; }, { once: true });
  };
  if (one.hls) start(0);
  return { title: () => `${name()} · Lamplight`, close: () => screen?.close(), nodes: [
    way([["#/", () => t("back_courses")], [`#/course/${courseId}`, () => pick(course.title).text]]),
    words("h1", one.title, { tabindex: -1 }),
    words("p", one.summary, { class: "lead" }),
    watchOrRead(one, place), attachments(one),
    el("div", { class: "onward" }, quizLinks(course, id),
      next ? el("a", { class: "button", href: `#/course/${courseId}/lesson/${next.id}` },
        () => `${t("next_lesson")}: ${pick(next.title).text}`) : null)].filter(Boolean) };
}

async function exercise(courseId, id) {
  const course = await json(`/v1/courses/${encodeURIComponent(courseId)}`);
  const one = course.quizzes.find((q) => q.id === id);
  if (!one) throw new Missing();
  const chunk = await json(one.url);
  const from = course.lessons.find((l) => l.id === one.lesson);
  const trail = [["#/", () => t("back_courses")], [`#/course/${courseId}`, () => pick(course.title).text]];
  if (from) trail.push([`#/course/${courseId}/lesson/${from.id}`, () => pick(from.title).text]);
  return { title: () => `${pick(one.title).text} · Lamplight`, nodes: [
    way(trail), words("h1", one.title, { tabindex: -1 }), quiz(chunk, `${courseId}.${id}`)] };
}

function trouble(error) {
  const why = () => (error.status ? t("failed_status", { status: error.status }) : t("failed_network"));
  const missing = error instanceof Missing || error.status === 404;
  const text = () => (missing ? t("not_found") : t("failed", { why: why() }));
  const button = missing ? el("a", { class: "button", href: "#/" }, () => t("back_courses"))
    : el("button", { type: "button", class: "button", onclick: () => show(true) }, () => t("retry"));
  return { title: () => `${text()} · Lamplight`, nodes: [heading(text), button] };
}

function quizLinks(course, lessonId, counted = true) {
  const some = course.quizzes.filter((q) => (q.lesson ?? null) === lessonId);
  return some.length ? el("p", { class: "exercises" }, some.map((q) =>
    el("a", { class: "button second", href: `#/course/${course.id}/quiz/${q.id}` },
      () => [pick(q.title).text || t("exercise"), counted && t("n_items", { n: q.items })]
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

function heading(text) {
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

function lamp() {
  return el("img", { src: "/page/icon.svg", alt: "", width: 56, height: 56 });
}

async function json(url) {
  const reply = await fetch(url, { headers: { accept: "application/json" } });
  if (!reply.ok) throw Object.assign(new Error(`status ${reply.status}`), { status: reply.status });
  return reply.json();
}

function decoded(part) {
  try { return decodeURIComponent(part); } catch { return part; }
}
