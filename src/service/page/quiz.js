// The quiz view: one fieldset an item, every kind with plain form controls. Answers are kept on
// this device; the public chunk carries no keys, so nothing can be graded here.

import { el, follow } from "./dom.js";
import { t } from "./i18n.js";

/** The form of `chunk` (see `GET /quiz/…`); answers are kept under `key`. */
export function quiz(chunk, key) {
  const kept = new Answers(`lamplight.answers.${key}.${chunk.version}`);
  const answered = () => t("answered", { n: kept.count(chunk.items), of: chunk.items.length });
  const count = el("p", { class: "count", role: "status" });
  follow(answered, (text) => { count.textContent = text; });
  const said = el("p", { class: "visually-hidden", role: "status" });
  const bar = el("progress", { max: chunk.items.length, value: 0, "aria-hidden": true });
  const update = () => {
    count.textContent = answered();
    bar.value = kept.count(chunk.items);
  };
  const items = el("div", { class: "items" });
  const draw = () => items.replaceChildren(...chunk.items.map((item, at) =>
    fieldset(item, at, chunk.lang, { kept, said, changed: update })));
  draw();
  update();
  const clear = () => { kept.clear(); draw(); update(); said.textContent = t("cleared"); };
  return el("form", { class: "quiz", onsubmit: (event) => event.preventDefault() },
    el("p", { class: "notice" }, () => t("on_device")), items,
    el("div", { class: "quiz-end" }, bar, count,
      el("button", { type: "button", class: "quiet", onclick: clear }, () => t("clear"))), said);
}

function fieldset(item, at, lang, desk) {
  const body = KINDS[item.kind]?.(item, lang, desk)
    ?? [el("p", {}, () => t("unknown_kind", { kind: item.kind }))];
  const hint = item.kind in KINDS ? el("span", { class: "hint" }, () => t(`kind_${item.kind}`)) : null;
  return el("fieldset", { "data-kind": item.kind, id: `item-${item.id}` },
    el("legend", {}, el("span", { class: "number" }, () => t("question", { n: at + 1 })), hint,
      el("span", { class: "asked", lang }, item.text)), body);
}

const KINDS = {
  one: (item, lang, desk) => choices(item, lang, desk, "radio"),
  many: (item, lang, desk) => choices(item, lang, desk, "checkbox"),
  tf: (item, lang, desk) => [true, false].map((value) => {
    const input = el("input", { type: "radio", name: item.id, checked: desk.kept.get(item) === value,
      onchange: () => desk.kept.put(item, value, desk) });
    return el("label", { class: "choice" }, input, el("span", {}, () => t(value ? "yes" : "no")));
  }),
  num: (item, lang, desk) => [field(item, desk, {
    label: item.unit ? () => t("number_in", { unit: item.unit }) : () => t("number"),
    inputmode: "decimal", pattern: "[+\\-]?[0-9]*([.,][0-9]+)?", maxlength: 24 })],
  text: (item, lang, desk) => [field(item, desk, {
    label: () => t("answer_up_to", { n: item.max_chars ?? 200 }), maxlength: item.max_chars ?? 200 }),
  item.graded === false ? el("p", { class: "hint" }, () => t("read_by_person")) : null],
  match: matching,
  order: ordering,
};

function choices(item, lang, desk, type) {
  return item.options.map((option, at) => {
    const had = desk.kept.get(item) ?? [];
    const input = el("input", { type, name: item.id, checked: had.includes(at), onchange: () => {
      const rest = type === "radio" ? [] : (desk.kept.get(item) ?? []).filter((n) => n !== at);
      const next = (input.checked ? [...rest, at] : rest).sort((a, b) => a - b);
      desk.kept.put(item, next.length ? next : undefined, desk);
    } });
    return el("label", { class: "choice" }, input, el("span", { lang }, option));
  });
}

function field(item, desk, { label, ...attributes }) {
  const long = attributes.maxlength > 200;
  const input = el(long ? "textarea" : "input", { ...long ? { rows: 8 } : { type: "text" },
    autocomplete: "off", ...attributes, value: desk.kept.get(item) ?? "",
    oninput: () => desk.kept.put(item, input.value.trim() || undefined, desk) });
  return el("label", { class: "field" }, el("span", {}, label), input);
}

function matching(item, lang, desk) {
  return item.left.map((left, row) => {
    const had = desk.kept.get(item) ?? [];
    const select = el("select", { "aria-label": () => t("pair_of", { left }), onchange: () => {
      const next = item.left.map((_, n) => (desk.kept.get(item) ?? [])[n] ?? null);
      next[row] = select.value === "" ? null : Number(select.value);
      desk.kept.put(item, next.some((n) => n !== null) ? next : undefined, desk);
    } }, el("option", { value: "" }, () => t("choose")),
    item.right.map((right, n) => el("option", { value: n, lang, selected: had[row] === n }, right)));
    return el("div", { class: "pair" }, el("span", { lang }, left), select);
  });
}

function ordering(item, lang, desk) {
  const list = el("ol", { class: "order" });
  const keep = el("input", { type: "checkbox", checked: desk.kept.get(item) !== undefined,
    onchange: () => desk.kept.put(item, keep.checked ? order : undefined, desk) });
  let order = desk.kept.get(item) ?? item.options.map((_, n) => n);
  const lines = item.options.map((what, option) => {
    const button = (by, arrow, label) => el("button", { type: "button", class: "step",
      onclick: () => move(option, by), "aria-label": () => t(label, { what }) }, arrow);
    return el("li", {}, el("span", { lang }, what),
      button(-1, "↑", "move_up"), button(1, "↓", "move_down"));
  });
  const place = () => order.forEach((option, at) => {
    const [, up, down] = lines[option].children;
    up.disabled = at === 0;
    down.disabled = at === order.length - 1;
    list.append(lines[option]);
  });
  const move = (option, by) => {
    const at = order.indexOf(option) + by;
    order = order.filter((other) => other !== option);
    order.splice(at, 0, option);
    keep.checked = true;
    desk.kept.put(item, order, desk);
    place();
    desk.said.textContent = t("moved", { what: item.options[option], n: at + 1, of: order.length });
    // The button that was pressed moved with its line, and may be at an end now.
    const [, up, down] = lines[option].children;
    const [pressed, other] = by < 0 ? [up, down] : [down, up];
    (pressed.disabled ? other : pressed).focus();
  };
  place();
  return [list, el("label", { class: "choice" }, keep, el("span", {}, () => t("order_keep")))];
}

/** Answers to one version of a quiz, by item, in this browser only. */
class Answers {
  #store;
  #all = {};

  constructor(store) {
    this.#store = store;
    try { this.#all = JSON.parse(localStorage.getItem(store)) ?? {}; } catch { /* start afresh */ }
  }

  get(item) {
    return this.#all[item.id];
  }

  put(item, answer, desk) {
    if (answer === undefined) delete this.#all[item.id];
    else this.#all[item.id] = answer;
    try { localStorage.setItem(this.#store, JSON.stringify(this.#all)); } catch { /* kept in memory */ }
    desk.changed();
  }

  clear() {
    this.#all = {};
    try { localStorage.removeItem(this.#store); } catch { /* nothing was kept */ }
  }

  /** Items answered; a pairing counts when every line has its partner. */
  count(items) {
    return items.filter((item) => {
      const answer = this.get(item);
      return item.kind === "match" ? answer?.every((n) => n !== null) : answer !== undefined;
    }).length;
  }
}
