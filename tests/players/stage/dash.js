// dash.js

import { fault, script } from "./house.js";

export async function open(video, url, alone) {
  await script("/tools/dashjs/dist/modern/umd/dash.all.min.js");
  const { dashjs } = window;
  const player = dashjs.MediaPlayer().create();
  player.initialize();
  player.updateSettings({ streaming: {
    abr: { initialBitrate: { video: 100 }, limitBitrateByPortal: false },
    buffer: { bufferTimeDefault: 8, bufferTimeAtTopQuality: 8, bufferTimeAtTopQualityLongForm: 8,
      bufferToKeep: 8, fastSwitchEnabled: true },
    cmcd: { enabled: true, mode: "header" },
    text: { defaultEnabled: true },
  } });
  const { events } = dashjs.MediaPlayer;
  player.on(events.ERROR, ({ error }) => fault(`dash.js ${error?.code ?? error} ${error?.message ?? ""}`));
  player.on(events.PLAYBACK_ERROR, ({ error }) => fault(`dash.js ${error?.code} ${error?.message ?? error}`));
  // When it notices the end before the browser does it stops the video itself: no "ended" then.
  let over = false;
  player.on(events.PLAYBACK_ENDED, () => { over = true; });
  if (alone) player.registerCustomCapabilitiesFilter((r) => !r.mimeType?.startsWith("video"));
  const ready = new Promise((done) => player.on(events.STREAM_INITIALIZED, done));
  player.attachView(video);
  player.setAutoPlay(false);
  player.attachSource(url);
  await ready;
  const moving = (r) => r.frameRate > 5;
  const list = () => player.getRepresentationsByType("video");
  const adapt = (video) => player.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video } } } });
  const choose = (chosen) => { adapt(false); player.setRepresentationForTypeById("video", chosen.id, true); };
  const track = (type, lang) => {
    const tracks = player.getTracksFor(type);
    player.setCurrentTrack(tracks.find((track) => track.lang === lang));
  };
  return {
    over: () => over,
    state: () => list().map((r) => [r.id, r.height, r.frameRate]),
    heights: () => list().filter(moving).map((r) => r.height),
    pick: (height) => choose(list().find((r) => r.height === height && moving(r))),
    slides: () => choose(list().find((r) => !moving(r))),
    adapt: () => adapt(true),
    captions: (lang) => {
      player.setTextTrack(player.getTracksFor("text").findIndex((track) => track.lang === lang));
    },
    sound: (lang) => track("audio", lang),
  };
}
