// Signing in and out, and the learner's own page.

import { el } from "./dom.js";
import { number, t, why } from "./i18n.js";

/** What stands in the page's head: who is signed in, and whether all of their work is saved. */
export function badge({ session, outbox }) {
  const name = () => (session.account ? session.account.name : t("sign_in"));
  const state = () => (!session.account ? "" : session.ended ? t("badge_ended")
    : outbox.late ? t("badge_waiting", { n: outbox.waiting }) : "");
  return el("a", { id: "who", href: () => (session.account ? "#/me" : "#/sign-in"),
    "aria-label": () => (session.account ? [t("account"), name(), state()].filter(Boolean).join(": ") : null),
    "data-who": () => session.learner ?? "", "data-waiting": () => String(outbox.waiting) },
  el("span", { class: "name" }, name), el("span", { class: "state" }, state));
}

/** The view to sign in; `back` goes on where the learner came from. */
export async function signInView(session, back) {
  const known = await session.known();
  const field = el("input", { type: "text", id: "name", name: "username", required: true, maxlength: 64,
    autocomplete: "username", autocapitalize: "words", "aria-describedby": "sign-in-why" });
  const wrong = el("p", { class: "notice", role: "alert", hidden: true });
  const enter = async (name) => {
    wrong.hidden = true;
    try {
      await session.signIn(name);
      back();
    } catch (error) {
      wrong.textContent = error.status === 0 ? t("failed_network")
        : t("refused", { why: why(error) });
      wrong.hidden = false;
    }
  };
  const send = (event) => {
    event.preventDefault();
    const name = field.value.trim().normalize("NFC");
    if (name) enter(name);
    else field.focus();
  };
  const people = known.map((one) => el("li", {}, el("button", { type: "button", class: "quiet",
    onclick: () => enter(one.name) }, () => [one.name,
    one.waiting && t("badge_waiting", { n: one.waiting })].filter(Boolean).join(" · "))));
  return { title: () => `${t("sign_in")} · Lamplight`, nodes: [
    el("h1", { tabindex: -1 }, () => t("sign_in")),
    el("p", { class: "lead", id: "sign-in-why" }, () => t("sign_in_more")),
    el("form", { class: "sign-in", onsubmit: send },
      el("label", { class: "field" }, el("span", {}, () => t("name")), field),
      el("button", { class: "button" }, () => t("sign_in"))), wrong,
    people.length ? el("section", { class: "facts", "aria-labelledby": "people-title" },
      el("h2", { id: "people-title" }, () => t("on_this_device")),
      el("ul", { class: "people" }, people)) : null].filter(Boolean) };
}

/** The learner's own page: what is saved, what waits, ways out. */
export function me({ session, outbox, store }, home) {
  const out = async (everywhere) => {
    await outbox.empty(PATIENCE_MS);
    await session.signOut(everywhere);
    home();
  };
  const saved = () => (outbox.waiting ? t("me_waiting", { n: outbox.waiting }) : t("me_saved"));
  return { title: () => `${session.account?.name ?? ""} · Lamplight`, nodes: [
    el("h1", { tabindex: -1 }, session.account.name),
    el("p", { class: "lead", id: "me-saved" }, saved),
    store.volatile ? el("p", { class: "notice" }, () => t("volatile")) : null,
    el("div", { class: "onward" },
      session.ended ? el("a", { class: "button", href: "#/sign-in" }, () => t("sign_in_again")) : null,
      el("button", { type: "button", class: "button", id: "sign-out", onclick: () => out(false) },
        () => t("sign_out")),
      el("a", { class: "button second", href: "#/sign-in" }, () => t("somebody_else")),
      el("button", { type: "button", class: "quiet", id: "sign-out-all", onclick: () => out(true) },
        () => t("sign_out_all"))),
    el("p", { class: "hint" }, () => t("sign_out_more"))].filter(Boolean) };
}

/** How much of a course is done, from 0 to 1, by the time its lessons take; null if not enrolled. */
export function courseShare(state, course) {
  const known = enrolled(state, course.id);
  if (!known) return null;
  const length = course.lessons.reduce((sum, one) => sum + (one.duration_ms ?? 0), 0);
  const done = course.lessons.reduce((sum, one) =>
    sum + (one.duration_ms ?? 0) * (lessonOf(known, one.id)?.coverage ?? 0), 0);
  return length ? done / length : 0;
}

/** What the state says of a course that the learner is enrolled in, or null. */
export function enrolled(state, id) {
  const known = state?.courses?.find((one) => one.id === id);
  return known?.enrolled_at ? known : null;
}

/** What the state says of a lesson, or null. */
export function lessonOf(known, id) {
  return known?.lessons?.find((one) => one.id === id) ?? null;
}

/** A bar and a number for a share that `read` knows, or nothing while it gives null. */
export function meter(read, label) {
  const shown = () => `${number(Math.floor((read() ?? 0) * 100))} %`;
  return el("p", { class: "meter", hidden: () => read() === null },
    el("progress", { max: 100, value: () => Math.floor((read() ?? 0) * 100), "aria-label": label }),
    el("span", {}, shown));
}

const PATIENCE_MS = 3000;
