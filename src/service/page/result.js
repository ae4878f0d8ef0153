// What an attempt came to: the score, what is said of each question, and the receipts.

import { el } from "./dom.js";
import { number, t } from "./i18n.js";

/** The nodes of the result in `record`; `answers` are the learner's, with their receipts. */
export function result({ result: told, chunk, attempt }, answers) {
  const share = told.max ? told.score / told.max : 0;
  const verdict = () => (told.review === "pending" ? t("review_pending")
    : told.passed ? t("passed") : t("not_passed"));
  const head = el("section", { class: "facts", "aria-labelledby": "result-title" },
    el("h2", { id: "result-title", tabindex: -1 }, () => t("result")),
    el("p", { class: "score" }, () => t("score", { n: number(share * 100) })),
    el("p", { "data-passed": String(told.passed) }, verdict),
    told.effort?.low ? el("p", {}, () => t("low_effort")) : null,
    receipts(attempt, answers));
  return [head, items(chunk, told.per_item)].filter(Boolean);
}

/** One line a question: what it earned, and what its author says now. */
function items(chunk, told) {
  if (!told?.length) return null;
  const lines = chunk.items.map((item, at) => {
    const one = told.find((other) => other.item === item.id);
    if (!one) return null;
    const full = one.max > 0 && one.score >= one.max;
    const mark = () => (one.score === null || one.score === undefined ? t("item_person")
      : full ? t("item_right") : one.score > 0 ? t("item_partly") : t("item_wrong"));
    const said = (one.comments ?? []).map((text) => el("p", { lang: chunk.lang }, text));
    return el("li", { class: "verdict", "data-full": String(full) },
      el("p", {}, el("span", { class: "number" }, () => t("question", { n: at + 1 })), " · ",
        el("strong", {}, mark)),
      el("p", { lang: chunk.lang, class: "hint" }, item.text), said);
  });
  return el("ul", { class: "cards", "aria-label": () => t("by_question") }, lines);
}

/** The server's signed promises, for the learner to keep. */
function receipts(attempt, answers) {
  const kept = answers.filter((one) => one.receipt).map(({ item, seq, body, receipt }) =>
    ({ attempt, item, seq, answer: body, receipt }));
  if (!kept.length) return null;
  const save = () => {
    const file = new Blob([JSON.stringify({ receipts: kept }, null, 1)], { type: "application/json" });
    const link = el("a", { href: URL.createObjectURL(file), download: `lamplight-${attempt}.json` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };
  return el("button", { type: "button", class: "quiet", onclick: save }, () => t("receipts"));
}
