// Which rendition to fetch next: a pure decision from what was measured.

/** Estimates bits a second from finished downloads; two memories, the careful one wins. */
export class Throughput {
  #quick = { sum: 0, weight: 0 };
  #slow = { sum: 0, weight: 0 };

  /** Adds a download of `bytes` that took `ms`. Small ones say more of delay than of width. */
  add(bytes, ms) {
    if (bytes < 4096) return;
    const seconds = Math.max(ms, 1) / 1000;
    for (const [mean, half] of [[this.#quick, 2], [this.#slow, 8]]) {
      const keep = 0.5 ** (seconds / half);
      mean.sum = mean.sum * keep + ((bytes * 8) / seconds) * (1 - keep);
      mean.weight = mean.weight * keep + (1 - keep);
    }
  }

  /** Bits a second, or null before anything was measured. */
  get bits() {
    if (!this.#slow.weight) return null;
    return Math.min(this.#quick.sum / this.#quick.weight, this.#slow.sum / this.#slow.weight);
  }
}

/**
 * The index into `levels` (rising bandwidth) to fetch next.
 * `ahead` is what is buffered in seconds, `sparing` a wish of the device to save data.
 */
export function pickLevel(levels, current, bits, ahead, sparing) {
  // Nobody is shown a slideshow before it is known that the network carries no more.
  if (bits === null) return Math.max(0, levels.findIndex((l) => !l.slides));
  if (levels.length === 0) return 0;
  const top = sparing ? Math.max(0, levels.findLastIndex((l) => l.height <= 360)) : levels.length - 1;
  const fits = (share) => Math.max(0, levels.findLastIndex((l) => l.bandwidth <= bits * share));
  if (ahead < PANIC_S) return Math.min(fits(0.5), current, top);
  const wanted = Math.min(fits(0.7), top);
  // Upwards only from a buffer that survives a wrong guess, or with much width to spare;
  // downwards at once.
  const bold = ahead >= SAFE_S || bits > 4 * levels[wanted].bandwidth;
  return wanted > current && !bold ? Math.min(current, top) : wanted;
}

/** Whether a running download should be given up for a lower rendition. */
export function hopeless(bytes, ms, expected, ahead) {
  if (ms < 1500 || ahead > SAFE_S) return false;
  const rest = Math.max(0, expected - bytes);
  return (rest / Math.max(bytes, 1)) * (ms / 1000) > Math.max(ahead, 1) + 1;
}

const PANIC_S = 2.5;
const SAFE_S = 6;
