// Fetches with patience: tries again with growing pauses, waits for the network to come back,
// measures throughput. Emits `trouble` when a second try fails and `calm` when it works again.

import { Throughput } from "./ladder.js";

/** A reply that trying again will not better. */
export class Refused extends Error {
  constructor(status) {
    super(`status ${status}`);
    this.status = status;
  }
}

export class Loader extends EventTarget {
  throughput = new Throughput();
  #troubled = false;

  /** A text, e.g. a playlist. */
  async text(url, signal) {
    return new TextDecoder().decode(await this.bytes(url, signal));
  }

  /**
   * The bytes of `url`. `watch(bytes, ms)` is asked while they arrive and may end the download
   * by returning true; the promise then rejects with an AbortError.
   */
  async bytes(url, signal, watch) {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const got = await this.#once(url, signal, watch);
        this.#say(false);
        return got;
      } catch (error) {
        if (signal?.aborted || error.name === "AbortError") throw error;
        if (error instanceof Refused && !PASSING.has(error.status)) throw error;
        if (attempt >= 1 || !navigator.onLine) this.#say(true);
        if (attempt >= ATTEMPTS_MAX && navigator.onLine) throw error;
        await rest(Math.min(500 * 2 ** attempt, 8000) * (0.75 + Math.random() / 2), signal);
      }
    }
  }

  async #once(url, signal, watch) {
    const own = new AbortController();
    const stop = () => own.abort();
    signal?.addEventListener("abort", stop);
    let timer = setTimeout(() => own.abort(new Error("silent")), SILENCE_MS_MAX);
    try {
      const begun = performance.now();
      const reply = await fetch(url, { signal: own.signal });
      if (!reply.ok) throw new Refused(reply.status);
      const parts = [];
      let size = 0;
      for (const reader = reply.body.getReader(); ;) {
        const { done, value } = await reader.read();
        if (done) break;
        clearTimeout(timer);
        timer = setTimeout(() => own.abort(new Error("silent")), SILENCE_MS_MAX);
        parts.push(value);
        size += value.length;
        if (watch?.(size, performance.now() - begun)) {
          this.throughput.add(size, performance.now() - begun);
          own.abort();
          throw new DOMException("given up for a lower rendition", "AbortError");
        }
      }
      this.throughput.add(size, performance.now() - begun);
      return joined(parts, size);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    }
  }

  #say(troubled) {
    if (troubled === this.#troubled) return;
    this.#troubled = troubled;
    this.dispatchEvent(new Event(troubled ? "trouble" : "calm"));
  }
}

/** Resolves after `ms`, at once when the network comes back, rejects when `signal` fires. */
function rest(ms, signal) {
  return new Promise((done, fail) => {
    const finish = () => {
      clearTimeout(timer);
      window.removeEventListener("online", finish);
      signal?.removeEventListener("abort", finish);
      if (signal?.aborted) fail(new DOMException("stopped", "AbortError"));
      else done();
    };
    const timer = setTimeout(finish, ms);
    window.addEventListener("online", finish);
    signal?.addEventListener("abort", finish);
  });
}

function joined(parts, size) {
  const all = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const ATTEMPTS_MAX = 7;
const SILENCE_MS_MAX = 15000;
/** Statuses that pass by themselves. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);
