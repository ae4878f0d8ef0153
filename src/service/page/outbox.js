// Work on its way to the server: beats, answers, submissions, enrolments and sign-outs.
//
// Everything is kept on the device first and repeated until the server says that it is on its
// disk, or that it will never take it. Only then, and only for what it names, is something "saved".
// Repeating is harmless: beats and answers carry numbers of their device.

import { call, jitter, Problem, waits } from "./api.js";

/** Emits `change` whenever something was kept, sent or refused. */
export class Outbox extends EventTarget {
  /** Things of the current learner that the server does not have yet. */
  waiting = 0;
  /** Whether the last try failed. */
  troubled = false;

  /** Whether something waits for longer than a request takes. */
  get late() {
    return this.waiting > 0 && (this.troubled || this.#session.ended || !navigator.onLine);
  }

  /** Why the current learner was not enrolled, by course. */
  refusals = new Map();
  #store;
  #session;
  #timer = 0;
  #running = false;
  #again = false;
  #fails = 0;
  #notBefore = 0;
  #block = { learner: null, next: 1, end: 1 };
  #leaving = new Map(); // ends of beats that left with the last such request, by number
  #fresh = new Map(); // beats of this page that may not have left yet, by number

  constructor(store, session) {
    super();
    this.#store = store;
    this.#session = session;
    session.onready = () => this.#hurry();
    window.addEventListener("online", () => this.#hurry(jitter(ONLINE_MS)));
    window.addEventListener("pagehide", () => this.leave());
    document.addEventListener("visibilitychange", () =>
      (document.visibilityState === "hidden" ? this.leave() : this.wake()));
    setInterval(() => this.wake(), TICK_MS);
    this.wake();
  }

  /** Sends soon, but not before a pause that the server or the failures so far ask for. */
  wake() {
    clearTimeout(this.#timer);
    const wait = Math.max(this.#notBefore - Date.now(), 0);
    this.#timer = setTimeout(() => this.#run(), wait);
  }

  /** Keeps a beat of `learner`; its number is taken at once where one is at hand. */
  async beat(learner, facts) {
    const seq = this.#number(learner) ?? await this.#reserve(learner);
    this.#fresh.set(seq, { learner, seq, ...facts });
    const kept = await this.#store.run((shelf) => keepBeat(shelf, { learner, seq, ...facts }));
    if (kept.seq !== seq) this.#fresh.delete(seq);
    this.#fresh.set(kept.seq, kept);
    for (const old of [...this.#fresh.keys()].slice(0, -FRESH_MAX)) this.#fresh.delete(old);
    await this.#changed();
  }

  /** Takes numbers for the next beats beforehand, so that leaving the page need not wait. */
  async prepare(learner) {
    if (this.#block.learner !== learner) await this.#reserve(learner, 0);
  }

  /**
   * Keeps an answer: `body` as it is sent, `value` as the form shows it. It replaces an earlier one
   * to the same item that has not left yet.
   */
  async answer(learner, attempt, item, { body, value, elapsed }) {
    await this.#store.run(async (shelf) => {
      const account = await shelf.get("accounts", learner);
      account.answers += 1;
      await shelf.put("accounts", account);
      await shelf.put("answers", { learner, attempt, item, seq: account.answers,
        device: account.device, body, value, elapsed_ms: elapsed, save: "waiting" });
    });
    await this.#changed();
  }

  /** Keeps the wish to submit; it is sent when all answers of the attempt are. */
  async submit(learner, attempt) {
    await this.#edit("attempts", [learner, attempt], (one) => { one.wish = "submit"; });
    await this.#changed();
  }

  /** Keeps the wish to be enrolled. */
  async enrol(learner, course) {
    await this.#store.run((shelf) => shelf.put("enrolments", { learner, course }));
    await this.#changed();
  }

  /** Where `learner` was in a lesson by beats that have not left yet, or null. */
  async place(learner, course, lesson) {
    const beats = await this.#store.run((shelf) => shelf.all("beats", learner));
    const here = beats.filter((one) => one.course === course && one.lesson === lesson);
    here.sort((a, b) => b.at_ms - a.at_ms);
    return here[0]?.to_ms ?? null;
  }

  /** Waits until everything is sent, or `ms` have passed, or a try failed. */
  empty(ms) {
    this.#hurry();
    return new Promise((done) => {
      const look = () => {
        if (this.waiting && !this.troubled && !this.#session.ended) return;
        clearTimeout(timer);
        this.removeEventListener("change", look);
        done();
      };
      const timer = setTimeout(() => { this.removeEventListener("change", look); done(); }, ms);
      this.addEventListener("change", look);
      this.#count();
    });
  }

  /** The page may end now: beats leave with a request that outlives it. */
  leave() {
    const account = this.#session.account;
    // The browser says in several ways that the page may end.
    const beats = [...this.#fresh.values()].filter((one) =>
      one.learner === account?.learner && this.#leaving.get(one.seq) !== one.to_ms);
    if (!beats.length || !account.token) return;
    this.#leaving = new Map(beats.map((one) => [one.seq, one.to_ms]));
    call("POST", BEATS, { token: account.token, keepalive: true, body: said(account, beats) })
      .then((reply) => this.#settle(account.learner, beats, reply.body)).catch(() => {});
  }

  /** Counts anew what waits, and tells. */
  async #changed() {
    await this.#count();
    this.wake();
  }

  async #count() {
    const learner = this.#session.learner;
    this.waiting = learner === null ? 0 : await this.#store.run(async (shelf) => {
      const answers = await shelf.all("answers", learner);
      const attempts = await shelf.all("attempts", learner);
      return (await shelf.all("beats", learner)).length
        + (await shelf.all("enrolments", learner)).length
        + answers.filter((one) => one.save === "waiting").length
        + attempts.filter((one) => one.wish === "submit").length;
    });
    this.dispatchEvent(new Event("change"));
  }

  #hurry(wait = 0) {
    this.#notBefore = Date.now() + wait;
    this.wake();
  }

  async #run() {
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    this.#again = false;
    try {
      if (!await alone(() => this.#drain())) this.#notBefore = Date.now() + jitter(2000);
      this.#fails = 0;
      this.troubled = false;
    } catch (error) {
      this.#rest(error);
    }
    this.#running = false;
    await this.#count();
    if (this.#again || this.#notBefore > Date.now()) this.wake();
  }

  /** Pauses for longer after each failure, and for at least as long as the server asks. */
  #rest(error) {
    if (error.status === 401) return; // until somebody signs in again
    this.troubled = true;
    if (!(error instanceof Problem)) console.error(error);
    const pause = jitter(Math.min(1000 * 2 ** this.#fails, PAUSE_MS_MAX));
    this.#fails += 1;
    this.#notBefore = Date.now() + Math.max(pause, error.waitMs ? error.waitMs + pause / 2 : 0);
  }

  async #drain() {
    await this.#session.sayFarewells();
    const learner = this.#session.learner;
    if (!this.#session.account?.token) return;
    await this.#session.renew();
    await this.#sendEnrolments(learner);
    await this.#sendAnswers(learner);
    await this.#sendSubmissions(learner);
    await this.#sendBeats(learner);
  }

  async #sendEnrolments(learner) {
    const wishes = await this.#all("enrolments", learner);
    for (const { course } of wishes) {
      try {
        await this.#session.ask(learner, "POST", "/v1/enrolments", { body: { course } });
        this.refusals.delete(course);
      } catch (error) {
        if (waits(error)) throw error;
        this.refusals.set(course, error);
      }
      await this.#store.run((shelf) => shelf.drop("enrolments", learner, course));
    }
    if (wishes.length) await this.#session.refresh();
  }

  async #sendAnswers(learner) {
    const all = await this.#all("answers", learner);
    const due = all.filter((one) => one.save === "waiting");
    for (let at = 0; at < due.length; at += TOGETHER) {
      const sent = due.slice(at, at + TOGETHER).map((one) => this.#sendAnswer(one));
      const failed = (await Promise.allSettled(sent)).find((one) => one.status === "rejected");
      await this.#count();
      if (failed) throw failed.reason;
    }
  }

  async #sendAnswer(one) {
    const { learner, attempt, item, seq, device, body, elapsed_ms } = one;
    const path = `/v1/attempts/${attempt}/answers/${encodeURIComponent(item)}`;
    let fate;
    try {
      const reply = await this.#session.ask(learner, "PUT", path,
        { body: { seq, device, ...body, elapsed_ms }, keepalive: true });
      // Nothing but a receipt says that an answer is on a disk.
      if (!reply.body?.receipt || !reply.body.durable) throw new Problem(0);
      fate = { save: "saved", receipt: reply.body.receipt };
      if (reply.body.superseded) fate = { ...fate, save: "refused", why: "superseded" };
    } catch (error) {
      if (waits(error)) throw error;
      if (error.kind === "answer-conflict") return this.#renumber(one);
      fate = { save: "refused", why: error.kind, detail: error.message };
    }
    await this.#edit("answers", [learner, attempt, item], (kept) => {
      if (kept.seq === seq) Object.assign(kept, fate);
    });
  }

  /** The number was used for another answer: takes one above all that the server has. */
  async #renumber({ learner, attempt, item, seq }) {
    const { body } = await this.#session.ask(learner, "GET", `/v1/attempts/${attempt}`);
    await this.#store.run(async (shelf) => {
      const account = await shelf.get("accounts", learner);
      account.answers = Math.max(account.answers, ...body.answers.map((one) => one.seq)) + 1;
      await shelf.put("accounts", account);
      const kept = await shelf.get("answers", learner, attempt, item);
      if (kept?.seq === seq) await shelf.put("answers", { ...kept, seq: account.answers });
    });
    this.#again = true;
  }

  async #sendSubmissions(learner) {
    for (const one of await this.#all("attempts", learner)) {
      if (one.wish === "submit") await this.#sendSubmission(one);
    }
  }

  async #sendSubmission({ learner, attempt }) {
    const device = this.#session.account?.device;
    const all = await this.#all("answers", learner, attempt);
    const answers = all.filter((one) => one.save === "saved" && one.device === device);
    const answered = Object.fromEntries(answers.map((one) => [one.item, one.seq]));
    let fate;
    try {
      const reply = await this.#session.ask(learner, "POST", `/v1/attempts/${attempt}/submit`,
        { body: { device, answered } });
      fate = { wish: null, result: reply.body };
    } catch (error) {
      if (waits(error)) throw error;
      if (error.kind === "answers-missing") {
        // This node lacks answers that another acknowledged: say them again first.
        for (const { item } of answers) {
          await this.#edit("answers", [learner, attempt, item], (kept) => { kept.save = "waiting"; });
        }
        throw new Problem(503);
      }
      fate = { wish: null, why: error.kind, detail: error.message };
    }
    await this.#edit("attempts", [learner, attempt], (kept) => Object.assign(kept, fate));
    this.#session.refresh();
  }

  async #sendBeats(learner) {
    let size = BATCH;
    for (;;) {
      const batch = (await this.#all("beats", learner)).slice(0, size);
      if (!batch.length) return;
      const body = said(this.#session.account, batch);
      let reply;
      try {
        reply = (await this.#session.ask(learner, "POST", BEATS, { body })).body;
      } catch (error) {
        if (waits(error)) throw error;
        // Refused as a whole: one bad beat must not hold up the others.
        if (batch.length > 1) size = 1;
        else await this.#drop(learner, batch);
        continue;
      }
      if (!await this.#settle(learner, batch, reply)) throw new Problem(503);
    }
  }

  /** Forgets the beats of a reply that are on a disk or will never be; gives their number. */
  async #settle(learner, batch, { durable_through: durable, rejected = [] }) {
    const never = new Set(rejected.map((one) => one.seq));
    const done = batch.filter((one) => one.seq <= durable || never.has(one.seq));
    await this.#drop(learner, done);
    return done.length;
  }

  async #drop(learner, beats) {
    await this.#store.run(async (shelf) => {
      for (const sent of beats) {
        const kept = await shelf.get("beats", learner, sent.seq);
        // It may have grown while it was on its way.
        if (kept?.to_ms === sent.to_ms) await shelf.drop("beats", learner, sent.seq);
      }
    });
    for (const sent of beats) {
      if (this.#fresh.get(sent.seq)?.to_ms === sent.to_ms) this.#fresh.delete(sent.seq);
    }
    await this.#count();
  }

  #number(learner) {
    const block = this.#block;
    if (block.learner !== learner || block.next >= block.end) return null;
    if (block.end - block.next < BLOCK / 2) this.#reserve(learner, 0).catch(() => {});
    return block.next++;
  }

  /** Takes a block of numbers that no other tab will use, and gives the first if `taken` is 1. */
  async #reserve(learner, taken = 1) {
    const next = await this.#store.run(async (shelf) => {
      const account = await shelf.get("accounts", learner);
      const next = account.beats + 1;
      account.beats += BLOCK;
      await shelf.put("accounts", account);
      return next;
    });
    this.#block = { learner, next: next + taken, end: next + BLOCK };
    return next;
  }

  #all(...names) {
    return this.#store.run((shelf) => shelf.all(...names));
  }

  #edit(name, key, change) {
    return this.#store.run(async (shelf) => {
      const one = await shelf.get(name, ...key);
      if (!one) return;
      change(one);
      await shelf.put(name, one);
    });
  }
}

/** Keeps a beat, as part of the one before it where they are one piece; gives what is kept. */
async function keepBeat(shelf, beat) {
  const { learner, course, lesson, played_total_ms: played, visible_total_ms: visible } = beat;
  await shelf.put("totals", { learner, course, lesson, played, visible });
  const beats = await shelf.all("beats", learner);
  const last = beats.at(-1);
  if (last && last.course === course && last.lesson === lesson && last.rate === beat.rate
    && last.to_ms === beat.from_ms) {
    const visible_ms = last.visible_ms + beat.visible_ms;
    beat = { ...beat, seq: last.seq, from_ms: last.from_ms, visible_ms };
  } else if (beats.length >= BEATS_MAX) {
    await shelf.drop("beats", learner, beats[0].seq);
  }
  await shelf.put("beats", beat);
  return beat;
}

/** The body of a call with beats. */
function said({ device }, beats) {
  return { device, beats: beats.map(({ learner, ...beat }) => beat) };
}

/** Runs `work` unless another tab is at it; tells which. */
function alone(work) {
  if (!navigator.locks) return work().then(() => true);
  return navigator.locks.request("lamplight.outbox", { ifAvailable: true },
    (lock) => (lock ? work().then(() => true) : false));
}

const BEATS = "/v1/session/beats";
const BATCH = 100;
const BEATS_MAX = 2000;
const FRESH_MAX = 50;
const BLOCK = 16;
const TOGETHER = 4;
const TICK_MS = 60_000;
const ONLINE_MS = 1500;
const PAUSE_MS_MAX = 20_000;
