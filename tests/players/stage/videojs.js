// video.js with its own HLS engine.

import { fault, script } from "./house.js";

export async function open(screen, url, alone) {
  await script("/tools/video.js/dist/video.min.js");
  const { videojs } = window;
  videojs.Vhs.GOAL_BUFFER_LENGTH = 8;
  videojs.Vhs.MAX_GOAL_BUFFER_LENGTH = 12;
  videojs.Vhs.BACK_BUFFER_LENGTH = 8;
  const player = videojs(screen, { controls: true, html5: {
    vhs: { overrideNative: true, bandwidth: 500_000, limitRenditionByPlayerDimensions: false, useNetworkInformationApi: false },
    nativeTextTracks: false, nativeAudioTracks: false, nativeVideoTracks: false } });
  player.on("error", () => fault(`video.js ${player.error()?.code} ${player.error()?.message}`));
  const type = "application/vnd.apple.mpegurl";
  const src = alone ? url.replace("master.m3u8", "audio/playlist.m3u8") : url;
  const read = new Promise((done) => player.one("loadedmetadata", done));
  player.src({ src, type });
  await read;
  const levels = () => [...player.qualityLevels().levels_];
  const each = (list) => Array.from({ length: list.length }, (_, at) => list[at]);
  return {
    video: player.el().querySelector("video"),
    state: () => player.tech({ IWillNotUseThisInPlugins: true }).vhs?.systemBandwidth,
    heights: () => levels().filter((level) => level.frameRate > 5).map((level) => level.height),
    pick: (height) => {
      for (const level of levels()) level.enabled = level.height === height && level.frameRate > 5;
    },
    slides: () => { for (const level of levels()) level.enabled = level.frameRate < 5; },
    adapt: () => { for (const level of levels()) level.enabled = true; },
    captions: (lang) => {
      for (const track of each(player.textTracks())) {
        if (track.kind !== "subtitles") continue;
        track.mode = track.language === lang ? "showing" : "disabled";
      }
    },
    /** Its own text tracks are none of the browser's. */
    cues: () => each(player.textTracks()).filter((track) => track.mode === "showing")
      .flatMap((track) => each(track.activeCues ?? []).map((cue) => cue.text.trim())),
    sound: (lang) => {
      for (const track of each(player.audioTracks())) track.enabled = track.language === lang;
    },
  };
}
