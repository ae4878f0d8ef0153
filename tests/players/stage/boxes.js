// Reads whole tracks with mp4box.js, each init segment followed by all its media segments.

import { createFile } from "/tools/mp4box/dist/mp4box.all.mjs";

/** What mp4box.js finds in the track behind the playlist at `url`. */
window.read = async (url) => {
  const text = await (await fetch(url)).text();
  const init = /#EXT-X-MAP:URI="([^"]+)"/.exec(text)[1];
  const parts = [init, ...text.split("\n").filter((line) => line && !line.startsWith("#"))];
  const file = createFile();
  const found = { segments: parts.length - 1, samples: 0, bytes: 0, codecs: [], errors: [] };
  file.onError = (module, message) => found.errors.push(`${module} ${message}`);
  file.onReady = (info) => {
    for (const track of info.tracks) {
      found.codecs.push(track.codec);
      file.setExtractionOptions(track.id, null, { nbSamples: 1 });
    }
    file.start();
  };
  file.onSamples = (_id, _user, samples) => {
    for (const sample of samples) {
      found.samples += 1;
      found.bytes += sample.data.byteLength;
    }
  };
  let at = 0;
  for (const part of parts) {
    const bytes = await (await fetch(new URL(part, url))).arrayBuffer();
    bytes.fileStart = at;
    at += bytes.byteLength;
    file.appendBuffer(bytes);
  }
  file.flush();
  return found;
};
