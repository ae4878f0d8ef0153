// The lesson player: the browser's own controls, and below them quality, subtitles, speed and what
// the connection does.

import { Captions } from "./captions.js";
import { el, follow, put } from "./dom.js";
import { nameOf, now as language, number, t } from "./i18n.js";
import { Stream, supported } from "./stream.js";

const CAPTIONS = "lamplight.captions";

/** Builds the player of `lesson`; `close` must be called when its view is left. */
export function player(lesson, title) {
  const stop = new AbortController();
  const video = el("video", { controls: true, playsinline: true, preload: "auto", id: "video",
    crossorigin: "anonymous", "aria-label": () => t("video_of", { title: title() }) });
  const notice = el("div", { class: "say", role: "status" });
  const listening = el("p", { class: "listening", hidden: true }, () => t("listening"));
  const frame = el("div", { class: "screen" }, video, listening);
  const menus = el("div", { class: "menus" });
  const facts = new Facts(video, stop.signal);
  const say = teller(notice);
  const node = el("section", { class: "player", "aria-label": () => t("video_of", { title: title() }) },
    frame, notice, menus, facts.node);

  menus.append(menu("speed", [0.75, 1, 1.25, 1.5].map((rate) =>
    ({ value: rate, text: () => `${number(rate, 2)}×`, chosen: rate === 1 })),
  (value) => { video.playbackRate = Number(value); }));
  if (supported()) streamed(); else native();
  return { node, close };

  function streamed() {
    const stream = new Stream(video, lesson.hls);
    stop.signal.addEventListener("abort", () => stream.close());
    watchNetwork(stream, say, stop.signal);
    stream.addEventListener("failed", (event) => failed(event.detail));
    video.addEventListener("error", () => failed(new Error("undecoded")), { signal: stop.signal });
    stream.addEventListener("ready", () => {
      menus.prepend(qualities(stream, listening), ...subtitles(stream));
      facts.follow(stream);
    });
    stream.open().catch((error) => error.name === "AbortError" || failed(error));
  }

  function subtitles(stream) {
    if (stream.subtitles.length === 0) return [];
    const captions = new Captions(video, stream.subtitles, stream.loader, stop.signal);
    return [captionMenu(stream.subtitles, captions, video, stop.signal)];
  }

  /** A browser without Media Source plays HLS itself, and shows the subtitles in its own menu. */
  function native() {
    if (!video.canPlayType("application/vnd.apple.mpegurl")) return say("unplayable");
    video.src = lesson.hls;
    facts.follow(null);
    const broken = () => failed(new Error("network"));
    video.addEventListener("error", broken, { signal: stop.signal });
  }

  function failed(error) {
    if (error.message === "unplayable") return say("unplayable");
    const why = error.status ? "failed_status"
      : error.message === "undecoded" ? "failed_decoding" : "failed_network";
    const again = () => node.dispatchEvent(new CustomEvent("restart", { detail: video.currentTime }));
    say("lost", () => ({ why: t(why, { status: error.status }) }),
      el("button", { type: "button", onclick: again }, () => t("retry")));
  }

  function close() {
    stop.abort();
    video.pause();
    video.removeAttribute("src");
    video.load();
  }
}

/**
 * Says one thing at a time in the live region `region`, in the language of the page; null is
 * silence. The region itself always stands, or screen readers would miss its first words.
 */
function teller(region) {
  let text = () => "";
  const words = document.createElement("span");
  follow(() => text(), (value) => { words.textContent = value; });
  return (key, values = () => ({}), ...more) => {
    text = () => (key ? t(key, values()) : "");
    words.textContent = text();
    region.replaceChildren(...(key ? [el("p", { class: "notice" }, words, ...more)] : []));
  };
}

function watchNetwork(stream, say, signal) {
  let fading = 0;
  const bad = (key) => { clearTimeout(fading); say(key); };
  const good = () => { say("back_online"); fading = setTimeout(() => say(null), 4000); };
  stream.addEventListener("trouble", () => bad(navigator.onLine ? "trouble" : "offline"));
  stream.addEventListener("calm", good);
  window.addEventListener("offline", () => bad("offline"), { signal });
  window.addEventListener("online", good, { signal });
}

function menu(key, options, onchoose) {
  const select = el("select", { id: `menu-${key}`, onchange: () => onchoose(select.value) },
    options.map((o) => el("option", { value: o.value, selected: o.chosen, lang: o.lang }, o.text)));
  return el("label", { class: "menu" }, el("span", {}, () => t(key)), select);
}

function qualities(stream, listening) {
  const options = [{ value: "auto", text: () => t("auto"), chosen: stream.choice === "auto" }];
  stream.levels.forEach((level, at) => options.push({ value: at,
    text: level.slides ? () => `${level.name} · ${t("slides")}` : level.name }));
  options.reverse();
  options.unshift(options.pop());
  if (stream.hasSound) options.push({ value: "audio", text: () => t("audio_only") });
  return menu("quality", options, (value) => {
    listening.hidden = value !== "audio";
    stream.choose(value === "auto" || value === "audio" ? value : Number(value));
  });
}

function captionMenu(list, captions, video, signal) {
  const kept = remembered();
  const options = [{ value: "", text: () => t("off") },
    ...list.map((s) => ({ value: s.lang, text: () => nameOf(s.lang) }))];
  const label = menu("captions", options, (lang) => {
    captions.show(lang);
    try { localStorage.setItem(CAPTIONS, lang); } catch { /* a private window keeps nothing */ }
  });
  const select = label.querySelector("select");
  // Somebody reading the page in another language than the lesson's sound wants subtitles.
  const wish = kept ?? (language() === "vi" ? "" : language());
  select.value = list.some((s) => s.lang === wish) ? wish : "";
  captions.show(select.value);
  video.textTracks.addEventListener("change", () => { select.value = captions.shown ?? ""; }, { signal });
  return label;
}

function remembered() {
  try { return localStorage.getItem(CAPTIONS); } catch { return null; }
}

/** What plays, and how it got here. */
class Facts {
  node;
  #video;
  #signal;
  #stream = null;
  #protocol = "";
  #cells = {};
  #why = el("p", { class: "why", id: "why-protocol" });

  constructor(video, signal) {
    this.#video = video;
    this.#signal = signal;
    const keys = ["protocol", "playing", "speed_measured", "ahead"];
    const rows = keys.map((key) => {
      this.#cells[key] = el("dd", { "data-fact": key });
      return el("div", {}, el("dt", {}, () => t(key)), this.#cells[key]);
    });
    this.node = el("section", { class: "facts", "aria-labelledby": "facts-title" },
      el("h2", { id: "facts-title" }, () => t("connection")), el("dl", {}, rows), this.#why);
  }

  /** Begins to report on `stream`, or on the browser's own player when it is null. */
  follow(stream) {
    this.#stream = stream;
    this.#watchProtocol();
    const timer = setInterval(() => this.#show(), 500);
    this.#signal.addEventListener("abort", () => clearInterval(timer));
    follow(() => language(), () => this.#show());
  }

  #watchProtocol() {
    const observer = new PerformanceObserver((list) => this.#note(list.getEntries()));
    observer.observe({ type: "resource", buffered: true });
    this.#signal.addEventListener("abort", () => observer.disconnect());
    this.#note(performance.getEntriesByType("resource"));
  }

  /** Replies from the browser's own cache name no protocol: the last real one stands. */
  #note(entries) {
    const media = entries.filter((e) => e.name.includes("/media/") && e.nextHopProtocol);
    this.#protocol = media.at(-1)?.nextHopProtocol ?? this.#protocol;
  }

  #show() {
    const cells = this.#cells, stream = this.#stream;
    put(cells.protocol, PROTOCOLS[this.#protocol] ?? (this.#protocol || t("unknown")));
    cells.protocol.dataset.protocol = this.#protocol;
    put(cells.playing, this.#picture());
    const bits = stream?.loader.throughput.bits;
    put(cells.speed_measured, bits ? `${number(bits / 1e6, 1)} Mbit/s` : t("unknown"));
    put(cells.ahead, stream ? t("seconds", { n: number(stream.ahead) }) : t("unknown"));
    put(this.#why, this.#sentence());
    this.#why.classList.toggle("good", this.#protocol === "h3");
  }

  #picture() {
    if (this.#stream?.choice === "audio") return t("audio_only");
    const height = this.#video.videoHeight;
    if (!height) return t("unknown");
    return this.#stream?.choice === "auto" ? `${height}p · ${t("auto").toLowerCase()}` : `${height}p`;
  }

  #sentence() {
    if (!this.#protocol) return "";
    if (this.#protocol === "h3") return t("is_h3");
    const local = /^(localhost|127\.|\[::1\])/.test(location.hostname);
    const protocol = PROTOCOLS[this.#protocol] ?? this.#protocol;
    return t(local ? "not_h3_private" : "not_h3_public", { protocol });
  }
}

const PROTOCOLS = { h3: "HTTP/3", h2: "HTTP/2", "http/1.1": "HTTP/1.1", "http/1.0": "HTTP/1.0" };
