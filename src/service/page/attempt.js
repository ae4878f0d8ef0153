// A quiz of somebody who is signed in: start, answers that are saved one by one, time by the
// server's clock, hand in, result.

import { clock, waits } from "./api.js";
import { el, follow, put } from "./dom.js";
import { number, t, why } from "./i18n.js";
import { questions, tally } from "./quiz.js";
import { result } from "./result.js";

/**
 * The place where `quiz` of `course` is taken. `desk` is `{session, outbox, store, json}`. Gives
 * `{node, close}`; `close` must be called when the view is left.
 */
export function attempt(desk, course, quiz) {
  const { session, store } = desk;
  const learner = session.learner;
  const node = el("div", { class: "attempt" });
  let sheet = null;
  const show = (...nodes) => {
    sheet?.close();
    sheet = null;
    node.replaceChildren(...nodes);
  };
  const begin = async (button) => {
    button.disabled = true;
    try {
      work(await open(desk, learner, course, quiz));
      sheet.node.focus(); // the button that had it is gone
    } catch (error) {
      button.disabled = false;
      node.querySelector(".refusal")?.remove();
      node.append(el("p", { class: "notice refusal", role: "alert" }, () => refusal(error)));
    }
  };
  const work = (record) => {
    show();
    sheet = new Sheet(desk, record, (...all) => {
      done(...all);
      node.querySelector("h2").focus();
    });
    node.replaceChildren(sheet.node);
  };
  const done = (record, answers) => show(...result(record, answers), start(true));
  const start = (again) => {
    const button = el("button", { type: "button", class: "button", onclick: () => begin(button) },
      () => t(again ? "try_again" : "start"));
    return button;
  };
  const card = () => show(el("section", { class: "facts", "aria-labelledby": "start-title" },
    el("h2", { id: "start-title" }, () => t("before_start")),
    el("ul", { class: "files" }, facts(session, course, quiz)), start(false)));

  const ready = (async () => {
    const known = await last(store, learner, course, quiz);
    const finish = async (record) =>
      done(record, await store.run((shelf) => shelf.all("answers", learner, record.attempt)));
    if (known?.result) return finish(known);
    if (known?.wish) return work(known);
    const id = known?.attempt ?? session.state?.attempts?.find((one) =>
      one.state === "open" && one.quiz === quiz.id && one.course === course.id)?.attempt;
    if (!id) return card();
    try {
      const { body } = await session.ask(learner, "GET", `/v1/attempts/${id}`);
      const record = await keep(desk, learner, body);
      if (record.result) finish(record);
      else work(record);
    } catch (error) {
      // Out of reach: what is kept here goes on. Forgotten by the server: begin anew.
      if (known && waits(error)) work(known);
      else card();
    }
  })();
  return { node, ready, close: () => sheet?.close() };
}

/** Opens an attempt, or finds the one that is open. */
async function open(desk, learner, course, quiz) {
  const { session } = desk;
  await session.ask(learner, "POST", "/v1/enrolments", { body: { course: course.id } });
  const { body } = await session.ask(learner, "POST", "/v1/attempts",
    { body: { course: course.id, quiz: quiz.id } });
  return keep(desk, learner, body);
}

/** Keeps an attempt as the server tells it, in place of older ones at the quiz. */
async function keep({ store, json }, learner, told) {
  const { attempt, course, quiz, chunk: url, seed, deadline, result } = told;
  const chunk = await json(url);
  return store.run(async (shelf) => {
    for (const old of await shelf.all("attempts", learner)) {
      if (old.course !== course || old.quiz !== quiz || old.attempt === attempt) continue;
      await shelf.drop("attempts", learner, old.attempt);
      for (const one of await shelf.all("answers", learner, old.attempt)) {
        await shelf.drop("answers", learner, old.attempt, one.item);
      }
    }
    const kept = await shelf.get("attempts", learner, attempt);
    const record = { wish: null, ...kept, learner, attempt, course, quiz, chunk, seed, deadline,
      result };
    await shelf.put("attempts", record);
    await reconcile(shelf, record, told.answers);
    return record;
  });
}

/**
 * Brings this device's answers and the server's together: what was answered on another device is
 * shown here, and what the server should have and has not is said again.
 */
async function reconcile(shelf, { learner, attempt, chunk, result }, told) {
  const account = await shelf.get("accounts", learner);
  const mine = await shelf.all("answers", learner, attempt);
  for (const one of mine.filter((one) => one.save === "saved")) {
    if (result || told.some((other) => other.item === one.item)) continue;
    await shelf.put("answers", { ...one, save: "waiting" });
  }
  for (const { item, seq, device, elapsed_ms, at, ...body } of told) {
    // A later answer has a higher number, on whichever device it is given.
    account.answers = Math.max(account.answers, seq);
    const form = chunk.items.find((one) => one.id === item);
    const kept = mine.find((one) => one.item === item);
    if (!form || kept && kept.seq >= seq) continue;
    await shelf.put("answers", { learner, attempt, item, seq, device, body, elapsed_ms,
      save: "saved", value: FORMS[form.kind]?.value(body) });
  }
  await shelf.put("accounts", account);
}

/** The questions of an open attempt, until it is handed in. */
class Sheet {
  node;
  #desk;
  #record;
  #done;
  #stop = new AbortController();
  #answers = new Map(); // by item, as the store has them
  #typed = new Map(); // values not yet in the store, by item
  #timers = new Map();
  #badges = new Map();
  #watches = new Map(); // milliseconds spent on each item
  #touched = performance.now();
  #said = el("p", { class: "visually-hidden", role: "status" });
  #sum;
  #clock = el("p", { class: "clock", role: "timer" });
  #saving = el("p", { class: "saving", "data-save": "none" });
  #items = el("div", { class: "items" });
  #end = el("div", { class: "quiz-end" });
  #over = false;

  constructor(desk, record, done) {
    this.#desk = desk;
    this.#record = record;
    this.#done = done;
    const form = { get: (item) => this.#value(item), put: (...all) => this.#put(...all),
      said: this.#said, below: (item) => this.#badge(item),
      order: (item) => shuffled(item, record.seed) };
    this.#sum = tally(record.chunk, form);
    this.node = el("form", { class: "quiz", tabindex: -1, onsubmit: (event) => event.preventDefault() },
      el("div", { class: "watch" }, this.#clock, this.#saving), this.#items, this.#end, this.#said);
    const { signal } = this.#stop;
    desk.outbox.addEventListener("change", () => this.#look(), { signal });
    window.addEventListener("pagehide", () => this.#flush(), { signal });
    document.addEventListener("visibilitychange", () => {
      this.#touched = performance.now();
      this.#flush();
    }, { signal });
    const timer = setInterval(() => this.#tick(), 1000);
    signal.addEventListener("abort", () => clearInterval(timer));
    this.#read().then(() => {
      this.#items.replaceChildren(...questions(record.chunk, form));
      this.#ask();
      this.#sum.update();
      this.#look();
      this.#tick();
    });
    follow(() => t("save_saved"), () => this.#paint());
  }

  close() {
    this.#flush();
    this.#stop.abort();
  }

  #value(item) {
    return this.#typed.has(item.id) ? this.#typed.get(item.id) : this.#answers.get(item.id)?.value;
  }

  #put(item, value, typing = false) {
    this.#watches.set(item.id, this.#spent(item.id));
    this.#touched = performance.now();
    this.#typed.set(item.id, value);
    clearTimeout(this.#timers.get(item.id));
    this.#timers.set(item.id, setTimeout(() => this.#keep(item), typing ? TYPING_MS : 0));
    this.#sum.update();
    this.#paint();
  }

  /** Time on an item is what passed since the item before was touched: it was read meanwhile. */
  #spent(id) {
    const since = Math.min(performance.now() - this.#touched, THINKING_MS_MAX);
    return Math.round((this.#watches.get(id) ?? this.#answers.get(id)?.elapsed_ms ?? 0) + since);
  }

  async #keep(item) {
    clearTimeout(this.#timers.get(item.id));
    if (!this.#timers.delete(item.id)) return;
    const value = this.#typed.get(item.id);
    const body = FORMS[item.kind]?.body(value);
    const { learner, attempt } = this.#record;
    if (body === undefined || body === null) return this.#paint();
    const known = this.#answers.get(item.id);
    if (known && known.save !== "refused" && same(known.body, body)) {
      if (this.#typed.get(item.id) === value) this.#typed.delete(item.id);
      return this.#paint();
    }
    await this.#desk.outbox.answer(learner, attempt, item.id,
      { body, value, elapsed: this.#watches.get(item.id) ?? 0 });
    await this.#read();
    if (this.#typed.get(item.id) === value) this.#typed.delete(item.id);
    this.#paint();
  }

  #flush() {
    return Promise.all(this.#record.chunk.items.map((item) =>
      (this.#timers.has(item.id) ? this.#keep(item) : null)));
  }

  async #read() {
    const { learner, attempt } = this.#record;
    const all = await this.#desk.store.run((shelf) => shelf.all("answers", learner, attempt));
    this.#answers = new Map(all.map((one) => [one.item, one]));
  }

  /** Looks what became of answers and of the wish to hand in. */
  async #look() {
    const { learner, attempt } = this.#record;
    const record = await this.#desk.store.run((shelf) => shelf.get("attempts", learner, attempt));
    await this.#read();
    if (this.#stop.signal.aborted) return;
    if (record) this.#record = record;
    if (record?.result) return this.#done(record, [...this.#answers.values()]);
    this.#paint();
    if (record?.wish === "submit" || record?.why) this.#close();
  }

  #state(item) {
    if (this.#typed.has(item.id)) {
      return FORMS[item.kind]?.body(this.#typed.get(item.id)) === null ? "invalid" : "waiting";
    }
    return this.#answers.get(item.id)?.save ?? "none";
  }

  #badge(item) {
    const badge = el("p", { class: "saving", "data-save": "none" });
    this.#badges.set(item.id, badge);
    return badge;
  }

  /** Says of every answer, and of all together, whether it is saved. */
  #paint() {
    const { chunk } = this.#record;
    const states = chunk.items.map((item) => this.#state(item));
    chunk.items.forEach((item, at) => {
      const badge = this.#badges.get(item.id), state = states[at];
      if (!badge) return;
      badge.dataset.save = state;
      put(badge, state === "refused" ? refused(this.#answers.get(item.id)) : SAVES[state]());
    });
    const count = (state) => states.filter((one) => one === state).length;
    const waiting = count("waiting"), saved = count("saved");
    const state = waiting ? "waiting" : saved ? "saved" : "none";
    const before = this.#saving.dataset.save;
    this.#saving.dataset.save = state;
    put(this.#saving, waiting ? t("answers_waiting", { n: waiting })
      : saved ? t("answers_saved", { n: saved }) : "");
    if (before === "waiting" && state === "saved") put(this.#said, this.#saving.textContent);
  }

  #tick() {
    const { deadline, wish } = this.#record;
    if (!deadline || wish) return put(this.#clock, "");
    const left = Date.parse(deadline) - clock.now();
    put(this.#clock, t("time_left", { time: minutes(left) }));
    this.#clock.classList.toggle("soon", left < 60_000);
    const mark = TOLD_S.find((s) => Math.floor(left / 1000) === s);
    if (mark) put(this.#said, this.#clock.textContent);
    if (left <= 0 && !this.#over) {
      this.#over = true;
      put(this.#said, t("time_over"));
      this.#submit();
    }
  }

  /** The way to hand in, which asks once more since there is no way back. */
  #ask() {
    const first = el("button", { type: "button", class: "button", onclick: () => {
      const open = this.#record.chunk.items.length - this.#sum.count();
      const yes = el("button", { type: "button", class: "button", onclick: () => this.#submit() },
        () => t("hand_in"));
      this.#end.replaceChildren(
        el("p", {}, () => (open ? t("sure_open", { n: open }) : t("sure"))), yes,
        el("button", { type: "button", class: "quiet", onclick: () => this.#ask() },
          () => t("go_on")));
      yes.focus();
    } }, () => t("hand_in"));
    this.#end.replaceChildren(...this.#sum.nodes, first);
  }

  async #submit() {
    await this.#flush();
    await this.#desk.outbox.submit(this.#record.learner, this.#record.attempt);
  }

  /** Handed in, or wished so: nothing can be changed any more. */
  #close() {
    for (const part of this.#items.children) part.disabled = true;
    const why = () => (this.#record.why ? t("refused", { why: why(this.#record) })
      : this.#desk.outbox.troubled ? t("hand_in_waits") : t("handing_in"));
    const notice = el("p", { class: "notice", role: "status", tabindex: -1 }, why);
    const held = this.#end.contains(document.activeElement);
    this.#end.replaceChildren(notice);
    if (held) notice.focus();
  }
}

/** What is known about a quiz before it is started. */
function facts(session, course, quiz) {
  const lines = [() => t("n_items", { n: quiz.items })];
  if (quiz.time_limit_ms) lines.push(() => t("limit", { n: number(quiz.time_limit_ms / 60_000, 1) }));
  if (course.pass) lines.push(() => t("to_pass", { n: number(course.pass * 100) }));
  if (quiz.attempts_max) lines.push(() => t("tries", { n: quiz.attempts_max }));
  if (quiz.opens_at) lines.push(() => t("opens", { at: moment(quiz.opens_at) }));
  if (quiz.closes_at) lines.push(() => t("closes", { at: moment(quiz.closes_at) }));
  const known = session.state?.courses?.find((one) => one.id === course.id);
  const mine = known?.quizzes?.find((one) => one.id === quiz.id);
  if (Number.isFinite(mine?.best)) lines.push(() => t("best", { n: number(mine.best * 100) }));
  return lines.map((line) => el("li", {}, line));
}

/** The newest attempt at a quiz that this device knows. */
async function last(store, learner, course, quiz) {
  const all = await store.run((shelf) => shelf.all("attempts", learner));
  return all.filter((one) => one.course === course.id && one.quiz === quiz.id).at(-1);
}

/** Options in an order of this attempt, the same on every device of the learner. */
export function shuffled(item, seed) {
  const order = item.options.map((_, at) => at);
  if (!seed || item.shuffle === false) return order;
  let state = 2166136261;
  for (const unit of `${seed}/${item.id}`) {
    state = Math.imul(state ^ unit.codePointAt(0), 16777619);
  }
  for (let at = order.length - 1; at > 0; at -= 1) {
    state = Math.imul(state ^ (state >>> 15), 2246822519) + 0x6d2b79f5 | 0;
    const other = ((state ^ (state >>> 13)) >>> 0) % (at + 1);
    [order[at], order[other]] = [order[other], order[at]];
  }
  return order;
}

function refusal(error) {
  if (error.status === 0 || error.status >= 500) return t("start_offline");
  if (error.status === 401) return t("ended");
  return t("refused", { why: why(error) });
}

function refused(answer) {
  return t("refused", { why: why(answer) });
}

function moment(text) {
  return new Date(text).toLocaleString(document.documentElement.lang,
    { dateStyle: "medium", timeStyle: "short" });
}

function minutes(ms) {
  const s = Math.max(Math.ceil(ms / 1000), 0);
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}

function same(a, b) {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** What is read as a number here: `12`, `12.5`, `12,5`; null for anything else. */
function numeric(text) {
  const clean = text.replace(",", ".");
  return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(clean) ? Number(clean) : null;
}

const member = (name) => ({ body: (value) => ({ [name]: value ?? null }),
  value: (body) => body[name] ?? undefined });
/** How each kind's answer is sent, and shown again; a body of null cannot be sent. */
const FORMS = {
  one: member("choice"),
  many: member("choice"),
  tf: member("truth"),
  text: member("text"),
  match: member("pairs"),
  order: member("order"),
  num: {
    body: (value) => {
      if (value === undefined) return { number: null };
      const read = numeric(value);
      return read === null ? null : { number: read };
    },
    value: (body) => (body.number === null || body.number === undefined ? undefined : String(body.number)),
  },
};
const SAVES = {
  none: () => "",
  waiting: () => t("save_waiting"),
  saved: () => t("save_saved"),
  invalid: () => t("save_invalid"),
};
/** Seconds before the end at which the time left is read aloud. */
const TOLD_S = [600, 300, 60, 10];
const TYPING_MS = 700;
const THINKING_MS_MAX = 600_000;
