// What of a lesson is really watched: intervals of the recording, told as beats.

import { clock } from "./api.js";

/**
 * Follows `video` for the learner of `account` and tells `outbox`, which keeps the beats. `lesson`
 * is `{course, lesson, length}`, `totals` what this device has told of it so far. Gives what ends
 * it.
 */
export function watch(video, account, { course, lesson, length }, outbox, totals) {
  const { learner, every = 20_000 } = account;
  const stop = new AbortController();
  let { played, visible } = totals;
  let told = visible, rate = video.playbackRate, running = false;
  let ticked = performance.now(), begun = ticked;
  let from = null, last = -Infinity; // the interval under way, milliseconds into the lesson

  /** Counts time that passed while the lesson ran, and of it while the page could be seen. */
  const tick = () => {
    const now = performance.now();
    // A device that slept tells of hours at once.
    const passed = running ? Math.min(now - ticked, TICK_MS_MAX) : 0;
    ticked = now;
    played += passed;
    if (document.visibilityState === "visible") visible += passed;
  };
  const here = () => (video.ended ? length : Math.min(Math.round(video.currentTime * 1000), length));
  /** Little steps are the player's own: over holes between segments, to another source. */
  const goesOn = (at) => at >= last && at - last <= HOLE_MS_MAX * Math.max(rate, 1);

  const cut = () => {
    begun = performance.now();
    if (from === null || last - from < INTERVAL_MS_MIN) return;
    outbox.beat(learner, { course, lesson, from_ms: from, to_ms: last, rate,
      visible_ms: Math.round(visible - told), played_total_ms: Math.round(played),
      visible_total_ms: Math.round(visible), at_ms: Math.round(clock.now()) });
    told = visible;
    from = last;
  };
  const begin = () => {
    const at = here();
    if (from === null || !goesOn(at)) {
      cut();
      from = at;
    }
    last = at;
  };
  const sample = () => {
    tick();
    if (!running || video.seeking) return;
    if (from === null) begin();
    last = Math.max(last, here());
    if (performance.now() - begun >= every) cut();
  };
  const start = () => {
    tick();
    running = true;
    begin();
  };
  const rest = () => {
    sample();
    running = false;
    cut();
  };
  const seek = () => {
    tick();
    if (goesOn(here())) return;
    cut();
    from = null;
  };
  const change = () => {
    sample();
    cut();
    rate = video.playbackRate;
  };
  const show = () => {
    sample();
    cut();
    outbox.leave();
  };

  const { signal } = stop;
  const on = (target, names, act) =>
    names.forEach((name) => target.addEventListener(name, act, { signal }));
  on(video, ["playing"], start);
  on(video, ["timeupdate"], sample);
  on(video, ["pause", "waiting", "ended", "emptied"], rest);
  on(video, ["seeking"], seek);
  on(video, ["ratechange"], change);
  on(document, ["visibilitychange"], show);
  on(window, ["pagehide"], show);
  outbox.prepare(learner).catch(() => {});
  return () => {
    rest();
    stop.abort();
  };
}

const INTERVAL_MS_MIN = 200;
const HOLE_MS_MAX = 1000;
const TICK_MS_MAX = 5000;
