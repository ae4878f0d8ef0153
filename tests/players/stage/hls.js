// hls.js

import { fault, script } from "./house.js";

export async function open(video, url, alone) {
  await script("/tools/hls.js/dist/hls.min.js");
  const { Hls } = window;
  const hls = new Hls({ maxBufferLength: 8, maxMaxBufferLength: 12, backBufferLength: 8,
    cmcd: { useHeaders: true } });
  // A stall on a busy machine is no fault of the media; a hole or a refused append is.
  const slow = new Set([Hls.ErrorDetails.BUFFER_STALLED_ERROR, Hls.ErrorDetails.BUFFER_NUDGE_ON_STALL]);
  hls.on(Hls.Events.ERROR, (_, error) => {
    if (error.fatal || error.type !== Hls.ErrorTypes.NETWORK_ERROR && !slow.has(error.details)) {
      const part = error.frag ? `${error.frag.type} ${error.frag.level} ${error.frag.sn}` : "";
      fault(`${error.details} ${error.reason ?? error.error?.message ?? ""} ${part}`);
    }
  });
  const read = new Promise((done) => hls.once(Hls.Events.MANIFEST_PARSED, done));
  // Apps for listening load the sound's own playlist.
  hls.loadSource(alone ? url.replace("master.m3u8", "audio/playlist.m3u8") : url);
  hls.attachMedia(video);
  await read;
  const at = (height, moving) => hls.levels.findIndex((level) =>
    level.height === height && level.frameRate > 5 === moving);
  if (!alone) hls.startLevel = at(90, true);
  return {
    state: () => [hls.currentLevel, hls.nextAutoLevel, hls.bandwidthEstimate],
    heights: () => hls.levels.filter((level) => level.frameRate > 5).map((level) => level.height),
    pick: (height) => { hls.nextLevel = at(height, true); },
    slides: () => { hls.nextLevel = at(180, false); },
    adapt: () => { hls.nextLevel = -1; },
    captions: (lang) => {
      hls.subtitleDisplay = true;
      hls.subtitleTrack = hls.subtitleTracks.findIndex((track) => track.lang === lang);
    },
    sound: (lang) => { hls.audioTrack = hls.audioTracks.findIndex((track) => track.lang === lang); },
  };
}
