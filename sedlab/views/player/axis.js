// Seconds to pixels and back, for the part of a clip that is shown.

const SHORTEST_SECONDS = 0.05;
const TICK_PIXELS = 64;
const TICK_STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];

/** Make the axis of `span` ([from, to] s) over the pixels from `left` to `right`. */
export function makeAxis(span, left, right) {
  const scale = (right - left) / (span[1] - span[0] || 1);
  return {
    left, right, from: span[0], to: span[1],
    x: (seconds) => left + (seconds - span[0]) * scale,
    seconds: (x) => span[0] + (x - left) / scale,
  };
}

/** Return the part of the clip that is shown: `span`, or all of it where that is empty. */
export function shownSpan(span, duration) {
  return span?.length === 2 ? span : [0, duration || 1];
}

/** Return `span` as the trait has it: inside [0, duration], empty when it is all of it. */
export function spanTrait(span, duration) {
  const from = Math.max(0, Math.min(span[0], duration));
  const to = Math.min(duration, Math.max(span[1], from));
  if (to - from >= duration - 1e-6) return [];
  return [Math.round(from * 1e5) / 1e5, Math.round(to * 1e5) / 1e5];
}

/** Return `span` made `factor` times as long around `centre` (s), inside [0, duration] and no shorter than 50 ms. */
export function zoomed(span, factor, centre, duration) {
  const before = span[1] - span[0];
  const length = Math.min(duration, Math.max(SHORTEST_SECONDS, before * factor));
  const from = centre - (centre - span[0]) * length / before;
  const inside = Math.min(Math.max(0, from), duration - length);
  return [inside, inside + length];
}

/** Return `span` moved by `seconds`, as far as the clip goes. */
export function panned(span, seconds, duration) {
  const length = span[1] - span[0];
  const from = Math.min(Math.max(0, span[0] + seconds), Math.max(0, duration - length));
  return [from, from + length];
}

/** Return the span that frames an event: as much around it as it is long, at least 1 s, and 3 s in all. */
export function framed(onset, offset, duration) {
  const around = Math.max(1, offset - onset, (3 - (offset - onset)) / 2);
  const length = Math.min(duration, offset - onset + 2 * around);
  const from = Math.min(Math.max(0, onset - around), duration - length);
  return [from, from + length];
}

/** Return {step, at: [s]}: round seconds inside the axis, far enough apart to be read. */
export function timeTicks(axis) {
  const least = TICK_PIXELS * (axis.to - axis.from) / Math.max(1, axis.right - axis.left);
  const step = TICK_STEPS.find((one) => one >= least) ?? TICK_STEPS[TICK_STEPS.length - 1];
  const at = [];
  for (let place = Math.ceil(axis.from / step - 1e-9); place * step <= axis.to + 1e-9; place += 1) at.push(place * step);
  return { step, at };
}

/** Return seconds as they are written at ticks `step` apart: 2.5, or 1:05 where a clip lasts minutes. */
export function timeText(seconds, step, minutes = false) {
  const digits = step >= 1 ? 0 : step >= 0.1 ? 1 : 2;
  if (!minutes) return seconds.toFixed(digits);
  const whole = Math.floor(seconds / 60 + 1e-9);
  return `${whole}:${Math.max(0, seconds - 60 * whole).toFixed(digits).padStart(digits ? 3 + digits : 2, "0")}`;
}
