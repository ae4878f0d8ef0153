// Plays an HLS lesson through Media Source Extensions: one `Track` a source buffer, each a loop
// that keeps some seconds loaded ahead. Emits `ready`, `level`, `trouble`, `calm` and `failed`.

import { hopeless, pickLevel } from "./ladder.js";
import { Loader, Refused } from "./loader.js";
import { parseMaster, parseMedia, segmentAt } from "./playlist.js";

/** Whether this browser has Media Source for H.264 and AAC. */
export function supported() {
  return Boolean(window.MediaSource?.isTypeSupported(mime("video", ["avc1.42c01e", "mp4a.40.2"])));
}

export class Stream extends EventTarget {
  /** What can be chosen, by rising bandwidth: `{name, height, bandwidth, url, …}`. */
  levels = [];
  subtitles = [];
  loader = new Loader();
  sparing = Boolean(navigator.connection?.saveData);
  /** `"auto"`, `"audio"` or an index into `levels`. */
  choice = "auto";
  #video;
  #url;
  #stop = new AbortController();
  #run = null; // what ends with the current media source
  #tracks = [];
  #master = null;
  #media = new Map(); // address -> promise of a playlist, bounded by what the master names

  constructor(video, url) {
    super();
    this.#video = video;
    this.#url = url;
    for (const name of ["trouble", "calm"]) {
      this.loader.addEventListener(name, () => this.dispatchEvent(new Event(name)));
    }
    video.addEventListener("seeking", () => this.#sought(), { signal: this.#stop.signal });
    for (const name of ["play", "waiting", "timeupdate"]) {
      video.addEventListener(name, () => this.wake(), { signal: this.#stop.signal });
    }
  }

  /** Reads the multivariant playlist and begins; rejects when nothing in it can be played. */
  async open() {
    const signal = this.#stop.signal;
    this.#master = parseMaster(await this.loader.text(this.#url, signal), this.#url);
    const playable = (v) => MediaSource.isTypeSupported(mime("video", v.group ? v.pictures : v.codecs));
    // Each codec of sound comes with all pictures: those with the first that can be heard here.
    const heard = (v) => !v.sounds.length || MediaSource.isTypeSupported(mime("audio", v.sounds));
    const groups = new Set(this.#master.video.filter((v) => playable(v) && heard(v)).map((v) => v.group));
    const group = this.#master.audio.find((a) => groups.has(a.group))?.group;
    this.levels = this.#master.video.filter((v) => playable(v) && (!group || v.group === group))
      .map((v) => ({ ...v, name: v.height ? `${v.height}p` : `${Math.round(v.bandwidth / 1000)}k` }));
    this.subtitles = this.#master.subtitles;
    if (this.levels.length === 0 && !this.hasSound) throw new Error("unplayable");
    if (this.levels.length === 0) this.choice = "audio";
    await this.#begin(0, false);
    this.dispatchEvent(new Event("ready"));
  }

  /** Whether the lesson can be heard without its picture. */
  get hasSound() {
    return this.#master.sound.length > 0;
  }

  /** Index of the level that fills the picture's buffer now; null for sound only. */
  get level() {
    return this.#tracks.find((track) => track.adapts)?.level ?? null;
  }

  /** Index of the lowest level with moving pictures, where playing begins. */
  get lowest() {
    return Math.max(0, this.levels.findIndex((level) => !level.slides));
  }

  /** Seconds loaded ahead of the current time. */
  get ahead() {
    if (this.#tracks.length === 0) return 0;
    return Math.min(...this.#tracks.map((track) => track.ahead()));
  }

  /** Picks `"auto"`, `"audio"` or a level, now. */
  async choose(choice) {
    const rebuild = (choice === "audio") !== (this.choice === "audio");
    this.choice = choice;
    if (rebuild) await this.#begin(this.#video.currentTime, !this.#video.paused);
    else for (const track of this.#tracks) if (track.adapts) track.switchSoon();
    this.wake();
  }

  /** The level to fetch next. */
  decide(current, ahead) {
    if (typeof this.choice === "number") return this.choice;
    return pickLevel(this.levels, current, this.loader.throughput.bits, ahead, this.sparing);
  }

  playlist(url) {
    if (!this.#media.has(url)) {
      const read = this.loader.text(url, this.#stop.signal).then((text) => parseMedia(text, url));
      read.catch(() => this.#media.delete(url));
      this.#media.set(url, read);
    }
    return this.#media.get(url);
  }

  /** Forgets a playlist whose segments were replaced at the server. */
  stale(url) {
    this.#media.delete(url);
  }

  wake() {
    this.dispatchEvent(new Event("wake"));
  }

  /** Ends every download and lets the video go. */
  close() {
    this.#stop.abort();
    this.#run?.abort();
    this.#tracks = [];
  }

  async #begin(time, playing) {
    this.#run?.abort();
    this.#tracks = []; // their buffers leave with the source
    const run = this.#run = new AbortController();
    const video = this.#video, rate = video.playbackRate;
    const source = new MediaSource();
    const address = URL.createObjectURL(source);
    const opened = new Promise((done) => source.addEventListener("sourceopen", done, { once: true }));
    video.src = address;
    await opened;
    URL.revokeObjectURL(address);
    if (run.signal.aborted) return;
    video.playbackRate = rate;
    this.#tracks = this.#plan().map((plan) => new Track(this, video, source, plan, run.signal));
    const lists = await Promise.all(this.#tracks.map((track) => this.playlist(track.address)));
    if (run.signal.aborted) return;
    source.duration = Math.max(...lists.map((list) => list.duration));
    if (time > 0) video.currentTime = time;
    if (playing) video.play().catch(() => {});
    for (const track of this.#tracks) {
      track.run(run.signal).catch((error) => {
        if (run.signal.aborted) return;
        run.abort();
        this.dispatchEvent(new CustomEvent("failed", { detail: error }));
      });
    }
    this.#tend(source, run.signal);
  }

  /** Which buffers are needed: picture and shared sound, both in one, or sound alone. */
  #plan() {
    const level = this.levels[0];
    if (this.choice === "audio") {
      const best = this.#master.sound.at(-1);
      return [{ mime: mime("audio", best.sounds), url: best.url }];
    }
    const sound = this.#master.audio.filter((a) => a.group === level.group && a.url);
    const shared = sound.find((a) => a.default) ?? sound[0];
    if (!shared) return [{ mime: mime("video", level.codecs), adapts: true }];
    return [
      { mime: mime("video", level.pictures), adapts: true },
      { mime: mime("audio", level.sounds.length ? level.sounds : ["mp4a.40.2"]), url: shared.url },
    ];
  }

  /** Ends the source once all is appended, and frees a picture that stands at a hole. */
  async #tend(source, signal) {
    let stood = 0, last = -1;
    while (!signal.aborted) {
      const video = this.#video, now = video.currentTime;
      const stuck = now === last && !video.paused && !video.seeking && !video.ended && this.ahead > 1;
      stood = stuck ? stood + 1 : 0;
      last = now;
      if (stood >= 4) { stood = 0; video.currentTime = now + 0.15; }
      const idle = this.#tracks.every((track) => track.done && !track.busy);
      if (idle && source.readyState === "open") source.endOfStream();
      await rest(500, signal);
    }
  }

  #sought() {
    for (const track of this.#tracks) track.sought();
    this.wake();
  }
}

/** One source buffer and the loop that fills it. */
class Track {
  /** Index into the stream's levels, for the track that adapts. */
  level = 0;
  adapts;
  done = false;
  #stream;
  #video;
  #buffer;
  #url;
  #type;
  #appended = null; // address of the init segment the buffer knows
  #cursor = 0; // where the next segment begins by the playlist, seconds
  #rewriting = false; // segments of another level are being replaced from the cursor on
  #last = null;
  #flight = null; // {abort, start, end} of the download under way
  #inits = new Map();

  constructor(stream, video, source, plan, signal) {
    this.#stream = stream;
    this.level = stream.lowest;
    this.#video = video;
    this.#type = plan.mime;
    this.#url = plan.url;
    this.adapts = plan.adapts ?? false;
    this.#buffer = source.addSourceBuffer(plan.mime);
    if (this.adapts) this.level = stream.decide(0, 0);
    signal.addEventListener("abort", () => this.#flight?.abort.abort());
  }

  get address() {
    return this.#url ?? this.#stream.levels[this.level].url;
  }

  get busy() {
    return this.#buffer.updating;
  }

  /** Seconds buffered from the current time on; small holes count as filled. */
  ahead() {
    return Math.max(0, this.#end() - this.#video.currentTime);
  }

  /** After a seek: what is being fetched may no longer be wanted. */
  sought() {
    const now = this.#video.currentTime, flight = this.#flight;
    this.done = false;
    this.#rewriting = false;
    if (flight && (now < flight.start - 1 || now > flight.end + 1)) flight.abort.abort();
  }

  /**
   * Fetches again from the next segment on, over what is loaded of another level, so that a
   * choice is soon seen. Nothing is removed: a hole would stop the picture.
   */
  async switchSoon() {
    if (this.level === this.#stream.decide(this.level, this.ahead())) return;
    const list = await this.#stream.playlist(this.address).catch(() => null);
    const next = list?.segments.find((s) => s.start >= this.#video.currentTime + 1);
    if (!next) return;
    this.#flight?.abort.abort();
    this.#cursor = next.start;
    this.#rewriting = true;
    this.done = false;
    this.#stream.wake();
  }

  async run(signal) {
    while (!signal.aborted) {
      try {
        if (!await this.#step(signal)) await pause(this.#stream, 500, signal);
      } catch (error) {
        if (error.name !== "AbortError" && !this.#mended(error)) throw error;
      }
    }
  }

  /** Fetches and appends one segment; false when there is nothing to do now. */
  async #step(signal) {
    const now = this.#video.currentTime, end = this.#end();
    this.#rewriting &&= this.#cursor < end - 0.6;
    if (!this.#rewriting && Math.abs(end - this.#cursor) > 0.6) this.#cursor = end;
    const ahead = (this.#rewriting ? this.#cursor : end) - now;
    this.#jumpHole(now);
    // Little is fetched for who only looks at the first picture. A decoder may keep that one back
    // until some more have come, which of a slideshow are many seconds: then the rest comes too.
    const { played, paused, readyState } = this.#video;
    const goal = played.length === 0 && paused && readyState >= 2 ? AHEAD_IDLE_S : AHEAD_S;
    if (ahead >= goal) return this.#trim(now);
    if (this.adapts) this.#turn(ahead);
    const address = this.address;
    const list = await this.#stream.playlist(address);
    let at = segmentAt(list.segments, this.#cursor);
    // A segment that added nothing is not fetched for ever.
    if (!this.#rewriting && this.#last?.at === at && this.#last.end === end && this.#last.address === address) at += 1;
    const segment = list.segments[at];
    this.done = !segment;
    if (!segment) return false;
    const [init, bytes] = await this.#fetch(list.init, segment, ahead, signal);
    if (signal.aborted) return false;
    const moved = this.#cursor > segment.start + 1 || this.#cursor < segment.start - 1;
    if (moved && this.#rewriting) return true; // another level was chosen meanwhile
    if (init && this.#appended !== list.init) {
      await this.#append(init);
      this.#appended = list.init;
    }
    await this.#append(bytes);
    this.#last = { at, end, address };
    this.#cursor = segment.end;
    this.#stream.wake();
    return true;
  }

  #turn(ahead) {
    const next = this.#stream.decide(this.level, ahead);
    if (next === this.level) return;
    this.level = next;
    this.#stream.dispatchEvent(new Event("level"));
    const type = mime("video", this.#url ? [] : this.#codecs());
    if (type !== this.#type && this.#buffer.changeType) {
      this.#buffer.changeType(type);
      this.#type = type;
    }
  }

  #codecs() {
    const level = this.#stream.levels[this.level];
    return level.group ? level.pictures : level.codecs;
  }

  async #fetch(init, segment, ahead, signal) {
    const abort = new AbortController();
    this.#flight = { abort, start: segment.start, end: segment.end };
    const expected = this.adapts
      ? (this.#stream.levels[this.level].bandwidth / 8) * (segment.end - segment.start) : 0;
    const give = this.adapts && this.level > 0 && this.#stream.choice === "auto"
      ? (bytes, ms) => hopeless(bytes, ms, expected, ahead) : undefined;
    try {
      return await Promise.all([
        init === this.#appended ? null : this.#init(init, abort.signal),
        this.#stream.loader.bytes(segment.url, abort.signal, give),
      ]);
    } finally {
      if (signal.aborted) abort.abort();
      this.#flight = null;
    }
  }

  async #init(address, signal) {
    if (!address) return null;
    if (!this.#inits.has(address)) {
      this.#inits.set(address, await this.#stream.loader.bytes(address, signal));
    }
    return this.#inits.get(address);
  }

  async #append(bytes) {
    for (let spare = SPARE_BEHIND_S; ; spare /= 4) {
      await idle(this.#buffer);
      try {
        this.#buffer.appendBuffer(bytes);
        return await idle(this.#buffer);
      } catch (error) {
        if (error.name !== "QuotaExceededError" || spare < 1) throw error;
        await this.#remove(0, Math.max(0.1, this.#video.currentTime - spare));
      }
    }
  }

  async #trim(now) {
    const ranges = this.#buffer.buffered;
    if (ranges.length && ranges.start(0) < now - 2 * SPARE_BEHIND_S && !this.#buffer.updating) {
      await this.#remove(0, now - SPARE_BEHIND_S);
    }
    return false;
  }

  async #remove(from, to) {
    await idle(this.#buffer);
    this.#buffer.remove(from, to);
    await idle(this.#buffer);
  }

  /** End of what is buffered around the current time; the time itself when nothing is. */
  #end() {
    const ranges = this.#buffer.buffered;
    let end = this.#video.currentTime;
    for (let i = 0; i < ranges.length; i += 1) {
      if (ranges.start(i) <= end + HOLE_S && ranges.end(i) > end) end = ranges.end(i);
    }
    return end;
  }

  /** Some encoders begin a few hundredths late; a browser then waits for ever at the edge. */
  #jumpHole(now) {
    const ranges = this.#video.buffered;
    if (this.#video.readyState > 2 || this.#video.seeking && now > 0) return;
    for (let i = 0; i < ranges.length; i += 1) {
      const start = ranges.start(i);
      if (start > now && start < now + HOLE_S) this.#video.currentTime = start + 0.001;
    }
  }

  /** A replaced version answers 404 or 410: read the playlist again, once for each address. */
  #mended(error) {
    const gone = error instanceof Refused && (error.status === 404 || error.status === 410);
    if (!gone || this.#renewed.has(this.address)) return false;
    this.#renewed.add(this.address);
    this.#stream.stale(this.address);
    this.#last = null;
    return true;
  }

  #renewed = new Set();
}

function mime(kind, codecs) {
  return `${kind}/mp4; codecs="${codecs.join(",")}"`;
}

/** Resolves when the buffer has nothing under way; rejects when it reports an error. */
async function idle(buffer) {
  // Somebody else may have waited too and begun something: look again.
  while (buffer.updating) {
    await new Promise((done, fail) => {
      buffer.addEventListener("updateend", done, { once: true });
      buffer.addEventListener("error", () => fail(new Error("unplayable")), { once: true });
    });
  }
}

function rest(ms, signal) {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", () => { clearTimeout(timer); done(); }, { once: true });
  });
}

/** Waits for `wake` or `ms`, whichever is first. */
function pause(stream, ms, signal) {
  return new Promise((done) => {
    const finish = () => {
      clearTimeout(timer);
      stream.removeEventListener("wake", finish);
      signal.removeEventListener("abort", finish);
      done();
    };
    const timer = setTimeout(finish, ms);
    stream.addEventListener("wake", finish);
    signal.addEventListener("abort", finish);
  });
}

/** Seconds kept loaded ahead, and before the first play. */
const AHEAD_S = 24, AHEAD_IDLE_S = 4;
const SPARE_BEHIND_S = 30;
const HOLE_S = 0.35;
