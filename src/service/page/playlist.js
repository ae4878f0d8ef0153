// Reads HLS playlists (RFC 8216): the multivariant one and the media ones. Pure functions.

/** `{video, audio, sound, subtitles}` of a multivariant playlist, addresses absolute. */
export function parseMaster(text, base) {
  const video = [], sound = [], audio = [], subtitles = [];
  const lines = linesOf(text);
  lines.forEach((line, at) => {
    if (line.startsWith("#EXT-X-MEDIA:")) {
      const a = attributes(line);
      const entry = { group: a["GROUP-ID"], name: a.NAME, lang: a.LANGUAGE ?? "und",
        default: a.DEFAULT === "YES", url: a.URI && new URL(a.URI, base).href };
      if (a.TYPE === "AUDIO") audio.push(entry);
      if (a.TYPE === "SUBTITLES" && entry.url) subtitles.push(entry);
    } else if (line.startsWith("#EXT-X-STREAM-INF:")) {
      const a = attributes(line);
      const uri = lines.slice(at + 1).find((l) => !l.startsWith("#"));
      if (!uri) return;
      const codecs = (a.CODECS ?? "").split(",").map((c) => c.trim()).filter(Boolean);
      const [width, height] = (a.RESOLUTION ?? "0x0").split("x").map(Number);
      const variant = { url: new URL(uri, base).href, bandwidth: Number(a.BANDWIDTH) || 0,
        width, height, group: a.AUDIO, codecs, slides: Number(a["FRAME-RATE"]) < SLIDES_BELOW,
        pictures: codecs.filter((c) => !SOUND.test(c)), sounds: codecs.filter((c) => SOUND.test(c)) };
      (height || variant.pictures.length ? video : sound).push(variant);
    }
  });
  const rising = (x, y) => x.bandwidth - y.bandwidth;
  return { video: video.sort(rising), sound: sound.sort(rising), audio, subtitles };
}

/** `{init, segments: [{url, start, end}], duration}` of a media playlist, times in seconds. */
export function parseMedia(text, base) {
  const segments = [];
  let init = null, length = 0, start = 0;
  for (const line of linesOf(text)) {
    if (line.startsWith("#EXT-X-MAP:")) init = new URL(attributes(line).URI, base).href;
    else if (line.startsWith("#EXTINF:")) length = parseFloat(line.slice(8)) || 0;
    else if (!line.startsWith("#")) {
      segments.push({ url: new URL(line, base).href, start, end: start + length });
      start += length;
    }
  }
  return { init, segments, duration: start };
}

/** Index of the segment that holds `time`; the count of segments when it is past the end. */
export function segmentAt(segments, time) {
  const at = segments.findIndex((s) => time < s.end - Math.min(0.1, (s.end - s.start) / 2));
  return at < 0 ? segments.length : at;
}

function linesOf(text) {
  if (!text.startsWith("#EXTM3U")) throw new Error("not a playlist");
  return text.split(/\r?\n/).map((l) => l.trim()).filter(Boolean);
}

function attributes(line) {
  const found = {};
  for (const [, name, quoted, bare] of line.matchAll(/([A-Z0-9-]+)=(?:"([^"]*)"|([^,]*))/g)) {
    found[name] = quoted ?? bare;
  }
  return found;
}

/** Fewer pictures a second than this are a slideshow. */
const SLIDES_BELOW = 3;
const SOUND = /^(mp4a|opus|flac|ac-3|ec-3)/i;
