// The questions of a quiz: one fieldset an item, every kind with plain form controls.
//
// A desk says what was answered and takes what is answered now: `get(item)`, `put(item, value)`,
// `said` (an element read aloud when it changes), and where it has them `below(item)`, what stands
// under an item, and `order(item)`, the order in which options are shown.

import { el, follow } from "./dom.js";
import { t } from "./i18n.js";

/** The questions of `chunk` (see `GET /quiz/…`) for `desk`. */
export function questions(chunk, desk) {
  return chunk.items.map((item, at) => fieldset(item, at, chunk.lang, desk));
}

/** Whether `value` answers `item`; a pairing does when every line has its partner. */
export function answers(item, value) {
  return item.kind === "match" ? Boolean(value?.every((n) => n !== null)) : value !== undefined;
}

/** How many are answered, in words and as a bar; `update` looks again. */
export function tally(chunk, desk) {
  const count = () => chunk.items.filter((item) => answers(item, desk.get(item))).length;
  const words = () => t("answered", { n: count(), of: chunk.items.length });
  const text = el("p", { class: "count", role: "status" });
  const bar = el("progress", { max: chunk.items.length, value: 0, "aria-hidden": true });
  follow(words, (now) => { text.textContent = now; });
  const update = () => {
    if (text.textContent !== words()) text.textContent = words();
    bar.value = count();
  };
  update();
  return { nodes: [bar, text], update, count };
}

/** The quiz of somebody who is not signed in: answers stay here, and nothing is graded. */
export function practice(chunk, key, invitation) {
  const said = el("p", { class: "visually-hidden", role: "status" });
  const kept = new Kept(`lamplight.answers.${key}.${chunk.version}`);
  const desk = { said, get: (item) => kept.all[item.id],
    put: (item, value) => { kept.put(item.id, value); sum.update(); } };
  const sum = tally(chunk, desk);
  const items = el("div", { class: "items" }, questions(chunk, desk));
  const clear = () => {
    kept.clear();
    items.replaceChildren(...questions(chunk, desk));
    sum.update();
    said.textContent = t("cleared");
  };
  return el("form", { class: "quiz", onsubmit: (event) => event.preventDefault() },
    el("p", { class: "notice" }, () => t("on_device"), invitation), items,
    el("div", { class: "quiz-end" }, sum.nodes,
      el("button", { type: "button", class: "quiet", onclick: clear }, () => t("clear"))), said);
}

function fieldset(item, at, lang, desk) {
  const body = KINDS[item.kind]?.(item, lang, desk)
    ?? [el("p", {}, () => t("unknown_kind", { kind: item.kind }))];
  const hint = item.kind in KINDS ? el("span", { class: "hint" }, () => t(`kind_${item.kind}`)) : null;
  return el("fieldset", { "data-kind": item.kind, id: `item-${item.id}` },
    el("legend", {}, el("span", { class: "number" }, () => t("question", { n: at + 1 })), hint,
      el("span", { class: "asked", lang }, item.text)), body, desk.below?.(item));
}

const KINDS = {
  one: (item, lang, desk) => choices(item, lang, desk, "radio"),
  many: (item, lang, desk) => choices(item, lang, desk, "checkbox"),
  tf: (item, lang, desk) => [true, false].map((value) => {
    const input = el("input", { type: "radio", name: item.id, checked: desk.get(item) === value,
      onchange: () => desk.put(item, value) });
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
  const order = desk.order?.(item) ?? item.options.map((_, at) => at);
  return order.map((at) => {
    const had = desk.get(item) ?? [];
    const input = el("input", { type, name: item.id, checked: had.includes(at), onchange: () => {
      const rest = type === "radio" ? [] : (desk.get(item) ?? []).filter((n) => n !== at);
      const next = (input.checked ? [...rest, at] : rest).sort((a, b) => a - b);
      desk.put(item, next.length ? next : undefined);
    } });
    return el("label", { class: "choice" }, input, el("span", { lang }, item.options[at]));
  });
}

function field(item, desk, { label, ...attributes }) {
  const long = attributes.maxlength > 200;
  const tell = (typed) => desk.put(item, input.value.trim() || undefined, typed);
  const input = el(long ? "textarea" : "input", { ...long ? { rows: 8 } : { type: "text" },
    autocomplete: "off", ...attributes, value: desk.get(item) ?? "",
    oninput: () => tell(true), onchange: () => tell(false) });
  return el("label", { class: "field" }, el("span", {}, label), input);
}

function matching(item, lang, desk) {
  return item.left.map((left, row) => {
    const had = desk.get(item) ?? [];
    const select = el("select", { "aria-label": () => t("pair_of", { left }), onchange: () => {
      const next = item.left.map((_, n) => (desk.get(item) ?? [])[n] ?? null);
      next[row] = select.value === "" ? null : Number(select.value);
      desk.put(item, next.some((n) => n !== null) ? next : undefined);
    } }, el("option", { value: "" }, () => t("choose")),
    item.right.map((right, n) => el("option", { value: n, lang, selected: had[row] === n }, right)));
    return el("div", { class: "pair" }, el("span", { lang }, left), select);
  });
}

function ordering(item, lang, desk) {
  const list = el("ol", { class: "order" });
  const keep = el("input", { type: "checkbox", checked: desk.get(item) !== undefined,
    onchange: () => desk.put(item, keep.checked ? order : undefined) });
  let order = desk.get(item) ?? item.options.map((_, n) => n);
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
    desk.put(item, order);
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
class Kept {
  all = {};
  #store;

  constructor(store) {
    this.#store = store;
    try { this.all = JSON.parse(localStorage.getItem(store)) ?? {}; } catch { /* start afresh */ }
  }

  put(id, value) {
    if (value === undefined) delete this.all[id];
    else this.all[id] = value;
    try { localStorage.setItem(this.#store, JSON.stringify(this.all)); } catch { /* in memory */ }
  }

  clear() {
    this.all = {};
    try { localStorage.removeItem(this.#store); } catch { /* nothing was kept */ }
  }
}
