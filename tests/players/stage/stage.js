// What a test asks of any player: `act` is the player's adaptor, the rest looks at the one video.

import { fault, faults } from "./house.js";

performance.setResourceTimingBufferSize(10_000);
const ask = new URLSearchParams(location.search);
const screen = document.getElementById("screen");
const { open } = await import(`./${ask.get("player")}.js`);
const act = await open(screen, ask.get("media"), ask.get("alone") === "1");
const video = act.video ?? screen;
video.addEventListener("error", () => fault(`video ${video.error?.code} ${video.error?.message}`));

// A player may move its video once it has ended: the event tells.
let over = false;
video.addEventListener("ended", () => { over = true; });

const canvas = new OffscreenCanvas(160, 90);
const paper = canvas.getContext("2d", { willReadFrequently: true });

/** The picture on the screen: its number and rendition, or null when its fields do not agree. */
function frame() {
  if (!video.videoWidth) return null;
  paper.drawImage(video, 0, 0, 160, 90);
  let code = 0;
  for (let bit = 0; bit < 20; bit += 1) {
    const x = (bit % 10) * 16 + 8, y = Math.floor(bit / 10) * 15 + 7;
    if (paper.getImageData(x, y, 1, 1).data[1] > 127) code |= 1 << bit;
  }
  const n = code & 4095, rendition = code >> 12 & 3;
  return code >> 14 === (n * 7 + rendition * 13 & 63) ? { n, rendition } : null;
}

/** Texts of the cues that are shown now. */
function cues() {
  if (act.cues) return act.cues();
  const shown = [...video.textTracks].filter((track) => track.mode === "showing");
  return shown.flatMap((track) => [...track.activeCues ?? []].map((cue) => cue.text.trim()));
}

let hearing = null;
/** The loudest tone now, hertz. The video must have been started by then. */
function tone() {
  if (!hearing) {
    const context = new AudioContext(), ear = context.createAnalyser();
    ear.fftSize = 8192;
    context.createMediaElementSource(video).connect(ear).connect(context.destination);
    context.resume();
    hearing = { context, ear, loud: new Float32Array(ear.frequencyBinCount) };
  }
  const { context, ear, loud } = hearing;
  ear.getFloatFrequencyData(loud);
  const top = loud.indexOf(Math.max(...loud));
  return loud[top] > -60 ? top * context.sampleRate / ear.fftSize : 0;
}

/** Protocols of all media since the last `forget`, except what came from the browser's cache. */
function protocols(part = "/media/") {
  const media = performance.getEntriesByType("resource").filter((e) => e.name.includes(part));
  return [...new Set(media.filter((e) => e.transferSize > 0).map((e) => e.nextHopProtocol))];
}

/** How many media segments whose address has `part` in it were fetched since `forget`. */
function fetched(part) {
  const all = performance.getEntriesByType("resource").map((e) => e.name.split("?")[0]);
  return all.filter((name) => name.includes(part) && /\.(m4s|vtt)$/.test(name)).length;
}

const quality = () => video.getVideoPlaybackQuality();
window.video = video;
window.stage = { act, faults, over: () => over || act.over?.(), frame, cues, tone, protocols, fetched, quality,
  forget: () => performance.clearResourceTimings() };

// A test that waits in vain tells what the page says.
setInterval(() => {
  const { currentTime, paused, seeking, readyState, videoHeight, buffered } = video;
  const loaded = Array.from({ length: buffered.length }, (_, at) => [buffered.start(at), buffered.end(at)]);
  document.getElementById("state").value = JSON.stringify({ currentTime, paused, seeking, readyState,
    videoHeight, loaded, frame: frame(), cues: cues(), tone: hearing && tone(), ear: hearing?.context.state,
    tracks: [...video.textTracks].map((track) => [track.kind, track.language, track.mode, track.cues?.length]),
    faults, fetched: performance.getEntriesByType("resource").slice(-4).map((e) => e.name), more: act.state?.() });
}, 500);
