// The page: which view is open, and moving between them. Addresses stand behind the `#`, so that
// the server has one document only: `#/`, `#/course/{id}`, `#/course/{id}/lesson/{id}`,
// `#/course/{id}/quiz/{id}`, `#/sign-in`, `#/me`.

import { el, enter, refresh } from "./dom.js";
import { now as language, t, use } from "./i18n.js";
import { Outbox } from "./outbox.js";
import { badge, me, signInView } from "./people.js";
import { Session, signIn } from "./session.js";
import { Store } from "./store.js";
import { courses, exercise, heading, lesson, Missing, outline } from "./views.js";

const main = document.getElementById("main");
const read = new Map(); // replies by address
let leave = () => {};
let title = () => "Lamplight";
let turn = 0;
let home = "#/"; // where signing in leads back to

const store = await Store.open();
const session = new Session(store);
const outbox = signIn === "off" ? null : new Outbox(store, session);
const desk = { store, session, outbox, json };

frame();
if (outbox) await learners();
window.addEventListener("hashchange", () => show(true));
show(false);

/** What stays on every view: skip link, name, language, who is signed in. */
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

/** Follows who is signed in, what the server knows of them, and what is not saved yet. */
async function learners() {
  document.getElementById("tongues").before(badge(desk));
  const notice = el("p", { class: "notice", hidden: true },
    el("span", {}, () => t("ended")), el("a", { href: "#/sign-in" }, () => t("sign_in_again")));
  const region = el("div", { id: "ended", role: "status" }, notice);
  main.before(region);
  const look = () => { notice.hidden = !session.ended; refresh(); };
  session.addEventListener("state", look);
  outbox.addEventListener("change", look);
  store.addEventListener("volatile", look);
  await session.start();
  look();
  session.addEventListener("who", () => { look(); outbox.wake(); show(false); });
}

async function show(moved) {
  const mine = ++turn;
  leave();
  leave = () => {};
  enter(`view-${mine}`);
  const parts = location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decoded);
  if (!["sign-in", "me"].includes(parts[0])) home = location.hash || "#/";
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
  if (kind === undefined) return courses(desk);
  if (kind === "course" && course && what === undefined) return outline(desk, course);
  if (kind === "course" && what === "lesson" && id && !more.length) return lesson(desk, course, id);
  if (kind === "course" && what === "quiz" && id && !more.length) return exercise(desk, course, id);
  if (kind === "sign-in" && outbox && course === undefined) return signInView(session, back);
  if (kind === "me" && session.account) return me(desk, () => { location.hash = "#/"; });
  if (kind === "me" && outbox) return signInView(session, back);
  throw new Missing();
}

/** To where the learner was before signing in. */
function back() {
  if (location.hash === home) show(true);
  else location.hash = home;
}

function retitle() {
  document.title = title();
}

function trouble(error) {
  const why = () => (error.status ? t("failed_status", { status: error.status }) : t("failed_network"));
  const missing = error instanceof Missing || error.status === 404;
  const text = () => (missing ? t("not_found") : t("failed", { why: why() }));
  const button = missing ? el("a", { class: "button", href: "#/" }, () => t("back_courses"))
    : el("button", { type: "button", class: "button", onclick: () => show(true) }, () => t("retry"));
  return { title: () => `${text()} · Lamplight`, nodes: [heading(text), button] };
}

/** What is public, from the server or, while it is out of reach, as it was read last. */
async function json(url) {
  let reply;
  try {
    reply = await fetch(url, { headers: { accept: "application/json" } });
  } catch (error) {
    if (read.has(url)) return read.get(url);
    throw error;
  }
  if (!reply.ok) throw Object.assign(new Error(`status ${reply.status}`), { status: reply.status });
  read.set(url, await reply.json());
  return read.get(url);
}

function decoded(part) {
  try { return decodeURIComponent(part); } catch { return part; }
}
