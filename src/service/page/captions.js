// Subtitles from segmented WebVTT: fetched when chosen, placed on the video's own timeline.

import { parseMedia } from "./playlist.js";

/** Cues `{id, start, end, text}` of one WebVTT segment, in seconds of the lesson. */
export function parseVtt(text) {
  const blocks = text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n").split(/\n{2,}/);
  const shift = offset(blocks[0] ?? "");
  const cues = [];
  for (const block of blocks.slice(1)) {
    const lines = block.split("\n").filter((line, at, all) => line || at < all.length - 1);
    const at = lines.findIndex((line) => line.includes("-->"));
    if (at < 0) continue;
    const [from, rest] = lines[at].split("-->");
    const [to, ...settings] = rest.trim().split(/\s+/);
    const cue = { start: seconds(from) + shift, end: seconds(to) + shift, settings,
      text: lines.slice(at + 1).join("\n") };
    if (cue.end > cue.start && cue.text) cues.push(cue);
  }
  return cues;
}

/** Adds the subtitles in `list` (the master's `subtitles`) to a video, each loaded when shown. */
export class Captions {
  #loader;
  #signal;
  #entries;

  constructor(video, list, loader, signal) {
    this.#loader = loader;
    this.#signal = signal;
    this.#entries = list.map((entry) => {
      const track = video.addTextTrack("subtitles", entry.name ?? entry.lang, entry.lang);
      track.mode = "disabled";
      return { ...entry, track, loading: null };
    });
    // The browser's own menu may switch a track on as well.
    video.textTracks.addEventListener("change", () => this.#loadShown(), { signal });
  }

  /** Shows the language `lang`, or none. */
  show(lang) {
    for (const entry of this.#entries) entry.track.mode = entry.lang === lang ? "showing" : "disabled";
    return this.#loadShown();
  }

  /** The language on screen, or null. */
  get shown() {
    return this.#entries.find((entry) => entry.track.mode === "showing")?.lang ?? null;
  }

  #loadShown() {
    const wanted = this.#entries.filter((entry) => entry.track.mode === "showing");
    return Promise.all(wanted.map((entry) => entry.loading ??= this.#load(entry)
      .catch(() => { entry.loading = null; })));
  }

  async #load(entry) {
    const list = parseMedia(await this.#loader.text(entry.url, this.#signal), entry.url);
    const seen = new Set();
    for (const segment of list.segments) {
      for (const cue of parseVtt(await this.#loader.text(segment.url, this.#signal))) {
        // A cue that spans two segments stands in both.
        const key = `${cue.start.toFixed(3)} ${cue.end.toFixed(3)} ${cue.text}`;
        if (seen.has(key)) continue;
        seen.add(key);
        entry.track.addCue(made(cue));
      }
    }
  }
}

/** Seconds from the cue's own clock to the lesson's, by X-TIMESTAMP-MAP (RFC 8216 3.5). */
function offset(header) {
  const map = header.split("\n").find((line) => line.startsWith("X-TIMESTAMP-MAP"));
  if (!map) return 0;
  const ticks = Number(/MPEGTS:(\d+)/.exec(map)?.[1] ?? 0);
  return ticks / 90000 - seconds(/LOCAL:([\d:.]+)/.exec(map)?.[1] ?? "0:0.0");
}

function seconds(stamp) {
  return stamp.trim().split(":").reduce((sum, part) => sum * 60 + parseFloat(part), 0);
}

function made(cue) {
  const vtt = new VTTCue(cue.start, cue.end, cue.text);
  for (const setting of cue.settings) {
    const [name, value] = setting.split(":");
    if (name === "align" && ["start", "center", "end", "left", "right"].includes(value)) vtt.align = value;
    if (name === "line" && /^-?\d+$/.test(value)) vtt.line = Number(value);
    if (name === "position" && /^\d+%/.test(value)) vtt.position = parseFloat(value);
    if (name === "size" && /^\d+%/.test(value)) vtt.size = parseFloat(value);
  }
  return vtt;
}
