// Shaka Player, HLS or DASH by the address.

import { fault, script } from "./house.js";

export async function open(video, url, alone) {
  await script("/tools/shaka-player/dist/shaka-player.compiled-es2021.js");
  const { shaka } = window;
  shaka.polyfill.installAll();
  const player = new shaka.Player();
  const told = (error) => fault(`shaka ${error.severity} ${error.category} ${error.code} ${error.data}`);
  player.addEventListener("error", (event) => told(event.detail));
  player.setVideoContainer(video.parentElement);
  await player.attach(video);
  player.configure({
    streaming: { bufferingGoal: 8, rebufferingGoal: 1, bufferBehind: 8 },
    abr: { restrictToElementSize: false, useNetworkInformation: false },
    manifest: { disableVideo: alone },
    cmcd: { enabled: true },
  });
  await player.load(url).catch(told);
  const variants = () => player.getVariantTracks();
  const choose = (height, moving) => {
    player.configure("abr.enabled", false);
    const active = variants().find((track) => track.active);
    player.selectVariantTrack(variants().find((track) => track.height === height
      && track.frameRate > 5 === moving && track.language === active.language), true);
  };
  return {
    heights: () => [...new Set(variants().filter((t) => t.frameRate > 5).map((t) => t.height))],
    pick: (height) => choose(height, true),
    slides: () => choose(180, false),
    wind: (rate) => { if (rate) player.trickPlay(rate); else player.cancelTrickPlay(); },
    adapt: () => { player.configure("abr.enabled", true); },
    captions: (lang) => {
      player.selectTextTrack(player.getTextTracks().find((track) => track.language === lang));
    },
    /** It draws captions itself. */
    cues: () => {
      const drawn = video.parentElement.querySelector(".shaka-text-container");
      return [...drawn?.children ?? []].map((cue) => cue.textContent.trim()).filter(Boolean);
    },
    sound: (lang) => {
      const tracks = player.getAudioTracks();
      player.selectAudioTrack(tracks.find((track) => track.language === lang));
    },
  };
}
