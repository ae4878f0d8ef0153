// Calls below `/v1` that belong to one learner: JSON both ways, problems as errors, and the
// server's clock, since deadlines are the server's.

/** A call without the reply it wanted. `status` is 0 when no reply came at all. */
export class Problem extends Error {
  constructor(status, body = {}) {
    super(body.detail ?? body.title ?? `status ${status}`);
    this.status = status;
    this.kind = String(body.type ?? "").split("/").at(-1);
    this.waitMs = Number(body.retry_after_ms) || 0;
    this.body = body;
  }

  /**
   * Whether the same call may succeed later, here or at another node. A server's fault never means
   * that it does not want the work.
   */
  get passes() {
    return this.status === 0 || this.status >= 500 || PASSING.has(this.status);
  }
}

/**
 * Asks and gives `{status, body, etag}`. Nothing is kept by the browser and no cookie travels: who
 * asks is said by `token` alone, so work of one learner can never leave in the name of another.
 */
export async function call(method, path, { token, body, etag, keepalive = false } = {}) {
  const headers = { accept: "application/json" };
  if (token) headers.authorization = `Bearer ${token}`;
  if (etag) headers["if-none-match"] = etag;
  if (body !== undefined) headers["content-type"] = "application/json";
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), SILENCE_MS_MAX);
  const begun = Date.now();
  let reply, text;
  try {
    reply = await fetch(path, { method, headers, keepalive, signal: stop.signal, cache: "no-store",
      credentials: "omit", body: body === undefined ? undefined : JSON.stringify(body) });
    text = await reply.text();
  } catch {
    throw new Problem(0);
  } finally {
    clearTimeout(timer);
  }
  clock.learn(reply.headers.get("date"), begun, Date.now());
  const read = parsed(text);
  if (!reply.ok && reply.status !== 304) throw new Problem(reply.status, read ?? {});
  if (text && read === null) throw new Problem(0); // somebody on the way answered instead
  return { status: reply.status, body: read, etag: reply.headers.get("etag") };
}

/** The server's time in unix milliseconds, to a fraction of a second once replies have come. */
export const clock = {
  low: -Infinity,
  high: Infinity,

  now() {
    const ahead = this.low + (this.high - this.low) / 2;
    return Date.now() + (Number.isFinite(ahead) ? ahead : 0);
  },

  /** A reply's `Date` names a whole second somewhere between asking and hearing. */
  learn(date, asked, heard) {
    const second = Date.parse(date);
    if (!Number.isFinite(second)) return;
    const low = second - heard, high = second + 1000 - asked;
    this.low = Math.max(this.low, low);
    this.high = Math.min(this.high, high);
    // Contradicting replies: one of the clocks was set.
    if (this.low > this.high) [this.low, this.high] = [low, high];
  },
};

/** Whether a call that failed so is repeated, or waits for a new session. */
export function waits(error) {
  return !(error instanceof Problem) || error.status === 401 || error.passes;
}

/** `ms`, more or less by a half: many who failed together must not come back together. */
export function jitter(ms) {
  return ms * (0.5 + Math.random());
}

function parsed(text) {
  try { return JSON.parse(text); } catch { return null; }
}

const PASSING = new Set([408, 425, 429]);
const SILENCE_MS_MAX = 20_000;
