// Who is signed in here, and what the server knows about them.
//
// Several learners may use one device. Each has an account record with a device id, counters and a
// token of its own; one of them at most is current. Work always names its learner, and is sent
// with that learner's token or not at all.

import { call, clock, jitter, Problem } from "./api.js";
import { now as language } from "./i18n.js";

/** How people can sign in at this server: `dev`, or `off` when the page has no way to. */
export const signIn = document.querySelector('meta[name="lamplight-sign-in"]')?.content ?? "off";

/** Emits `who` when another learner, or nobody, is current, and `state` when more is known. */
export class Session extends EventTarget {
  /** The current learner's record, or null. Its `token` is null once the session has ended. */
  account = null;
  /** Told that a session can be used (again). */
  onready = () => {};
  #store;
  #tabs = null;
  #asking = null;
  #parting = null;

  constructor(store) {
    super();
    this.#store = store;
  }

  /** Goes on with whoever was signed in when the page was left. */
  async start() {
    if (signIn === "off") return;
    if (globalThis.BroadcastChannel) {
      this.#tabs = new BroadcastChannel("lamplight");
      this.#tabs.onmessage = () => this.#reread();
    }
    await this.#reread();
  }

  get learner() {
    return this.account?.learner ?? null;
  }

  /** Whether somebody is signed in whose session has ended. */
  get ended() {
    return this.account !== null && !this.account.token;
  }

  /** The learner's whole state as the server last told it, or null. */
  get state() {
    return this.account?.state ?? null;
  }

  /** Everybody who signed in on this device, with the number of things that wait for them. */
  async known() {
    return this.#store.run(async (shelf) => {
      const accounts = await shelf.all("accounts");
      for (const one of accounts) {
        const beats = await shelf.all("beats", one.learner);
        const answers = await shelf.all("answers", one.learner);
        one.waiting = beats.length + answers.filter((a) => a.save === "waiting").length;
      }
      return accounts.sort((a, b) => b.used - a.used);
    });
  }

  /** Signs `name` in with the development issuer. */
  async signIn(name) {
    const before = (await this.known()).find((one) => one.name === name);
    const device = before?.device ?? crypto.randomUUID();
    // One that came later would end the session that begins now: it is the same device.
    await this.sayFarewells();
    const proof = await call("POST", "/v1/dev/token", { body: { learner: name } });
    const begun = await call("POST", "/v1/sessions", { token: proof.body.token,
      body: { device, locale: language() } });
    const { learner, session, resume } = begun.body;
    await this.#store.run(async (shelf) => {
      const account = (await shelf.get("accounts", learner)) ?? { learner, beats: 0, answers: 0 };
      Object.assign(account, { name, device, token: session, resume, used: Date.now(),
        beats: Math.max(account.beats, begun.body.durable_through ?? 0),
        every: begun.body.beat_every_ms, ...lifetime(begun.body) });
      await shelf.put("accounts", account);
      const former = await shelf.get("notes", "current");
      if (former && former.learner !== learner) await release(shelf, former.learner, false);
      await shelf.put("notes", { id: "current", learner });
      await prune(shelf);
    });
    await this.#spread();
  }

  /**
   * Signs the current learner out: here, or on all devices. What waits stays on this device, for
   * when the same learner signs in again; what was read goes.
   */
  async signOut(everywhere = false) {
    const { learner } = this.account;
    await this.#store.run(async (shelf) => {
      await release(shelf, learner, everywhere);
      await shelf.drop("notes", "current");
    });
    await this.#spread();
    this.onready();
  }

  /** Tells the server of sessions that were signed out, also while it was out of reach. */
  sayFarewells() {
    this.#parting ??= this.#part().finally(() => { this.#parting = null; });
    return this.#parting;
  }

  async #part() {
    for (const { token, everywhere } of await this.#store.run((shelf) => shelf.all("farewells"))) {
      try {
        await call("DELETE", everywhere ? "/v1/session?everywhere=true" : "/v1/session", { token });
      } catch (error) {
        if (error.passes) throw error;
      }
      await this.#store.run((shelf) => shelf.drop("farewells", token));
    }
  }

  /** A call in the name of `learner`; a 401 ends the session, and the caller hears of it. */
  async ask(learner, method, path, options = {}) {
    const read = () => this.#store.run((shelf) => shelf.get("accounts", learner));
    let account = await read();
    for (let again = true; ; again = false) {
      const token = account?.token;
      if (!token) throw new Problem(401);
      try {
        return await call(method, path, { ...options, token });
      } catch (error) {
        if (error.status !== 401) throw error;
        account = await read();
        // Another tab may have renewed the session meanwhile.
        if (again && account?.token && account.token !== token) continue;
        if (account && account.token === token) await this.#end(account);
        throw error;
      }
    }
  }

  /** Renews the session when a third of its time is left. */
  async renew() {
    const { learner, token, renew_at: due } = this.account ?? {};
    if (!token || clock.now() < due) return;
    let change;
    try {
      const { body } = await call("POST", "/v1/session/renew", { token });
      change = { token: body.session, ...lifetime(body) };
    } catch (error) {
      if (error.status !== 401) throw error;
      // As old as a session gets; it is still good until it expires.
      change = { renew_at: Infinity };
    }
    await this.edit(learner, (account) => {
      if (account.token === token) Object.assign(account, change);
    });
  }

  /** Asks the server for the learner's state, once however many want it. */
  refresh() {
    if (!this.account?.token) return Promise.resolve();
    this.#asking ??= this.#fetch().catch(() => {}).finally(() => { this.#asking = null; });
    return this.#asking;
  }

  /** The state as fresh as can be had without making anybody wait for a slow network. */
  async fresh() {
    await Promise.race([this.refresh(), new Promise((done) => setTimeout(done, PATIENCE_MS))]);
    return this.state;
  }

  /** Changes an account's record, in all tabs. */
  async edit(learner, change) {
    const account = await this.#store.run(async (shelf) => {
      const account = await shelf.get("accounts", learner);
      if (!account) return null;
      change(account);
      await shelf.put("accounts", account);
      return account;
    });
    if (account && learner === this.learner) this.account = account;
    return account;
  }

  async #fetch() {
    const { learner, etag } = this.account;
    const reply = await this.ask(learner, "GET", "/v1/session", { etag });
    if (reply.status === 304) return;
    await this.edit(learner, (account) => Object.assign(account,
      { state: reply.body, etag: reply.etag }));
    if (learner === this.learner) this.dispatchEvent(new Event("state"));
  }

  async #end({ learner, token }) {
    await this.edit(learner, (account) => {
      if (account.token === token) account.token = null;
    });
    this.dispatchEvent(new Event("state"));
  }

  async #spread() {
    await this.#reread();
    this.#tabs?.postMessage("who");
  }

  async #reread() {
    const before = this.learner;
    this.account = await this.#store.run(async (shelf) => {
      const current = await shelf.get("notes", "current");
      return (current && await shelf.get("accounts", current.learner)) ?? null;
    });
    this.dispatchEvent(new Event(before === this.learner ? "state" : "who"));
    if (this.account?.token) this.onready();
  }
}

function lifetime({ expires_at: until }) {
  const end = Date.parse(until), left = Math.max(end - clock.now(), 0);
  // Spread, or all who signed in at eight would come back in one moment.
  return { expires_at: until, renew_at: end - left / 3 + jitter(left / 20) };
}

/** Ends a learner's session here: what was read of them is dropped, work that waits stays. */
async function release(shelf, learner, everywhere) {
  const account = await shelf.get("accounts", learner);
  if (account.token) await shelf.put("farewells", { token: account.token, everywhere });
  Object.assign(account, { token: null, state: null, etag: null, resume: null });
  await shelf.put("accounts", account);
  const answers = await shelf.all("answers", learner);
  const waiting = new Set(answers.filter((a) => a.save === "waiting").map((a) => a.attempt));
  for (const one of await shelf.all("attempts", learner)) {
    if (one.wish !== "submit" && !waiting.has(one.attempt)) {
      await shelf.drop("attempts", learner, one.attempt);
    }
  }
  for (const one of answers) {
    if (one.save !== "waiting") await shelf.drop("answers", learner, one.attempt, one.item);
  }
}

/** Bounds the accounts kept on a device; those with work that waits are never dropped. */
async function prune(shelf) {
  const accounts = (await shelf.all("accounts")).sort((a, b) => b.used - a.used);
  for (const { learner } of accounts.slice(ACCOUNTS_MAX)) {
    const work = [...await shelf.all("beats", learner), ...await shelf.all("answers", learner)];
    if (work.length) continue;
    await shelf.drop("accounts", learner);
    for (const one of await shelf.all("totals", learner)) {
      await shelf.drop("totals", learner, one.course, one.lesson);
    }
  }
}

const ACCOUNTS_MAX = 12;
const PATIENCE_MS = 2500;
