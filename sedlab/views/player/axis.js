// Seconds to pixels and back, for the part of a clip that is shown.

/** Make the axis of `span` ([from, to] s) over the pixels from `left` to `right`. */
export function makeAxis(span, left, right) {
  const scale = (right - left) / (span[1] - span[0] || 1);
  return {
    left, right, from: span[0], to: span[1],
    x: (seconds) => left + (seconds - span[0]) * scale,
    seconds: (x) => span[0] + (x - left) / scale,
  };
}

/** Return `span` made `factor` times as long around `centre` (s), inside [0, duration] and no shorter than 50 ms. */
export function zoomed(span, factor, centre, duration) {
  const length = Math.min(duration, Math.max(0.05, (span[1] - span[0]) * factor));
  const from = centre - (centre - span[0]) * length / (span[1] - span[0]);
  const inside = Math.min(Math.max(0, from), duration - length);
  return [inside, inside + length];
}
