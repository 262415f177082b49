// What changed from one set of pseudo-labels to another: by how much, and what that means at the threshold.

import { barOf } from "./bars.js";
import { hatch } from "./words.js";

const SMALLEST = 0.02;
const BAND_PIXELS = 5;

/** Return {change, kinds} at the frames of `after`: its score minus that of `before` (Float32Array), and per frame 3 kept, 2 gained, 1 lost, 0 neither. */
export function differenceOf(before, after, place, width, threshold) {
  const change = new Float32Array(after.frames);
  const kinds = new Uint8Array(after.frames);
  let frame = 0;
  for (let at = 0; at < after.frames; at += 1) {
    const middle = (after.times[at] + after.times[at + 1]) / 2;
    while (frame < before.frames - 1 && before.times[frame + 1] <= middle) frame += 1;
    const earlier = before.frames ? before.ways.none[frame * width + place] : 0;
    const later = after.ways.none[at * width + place];
    change[at] = later - earlier;
    kinds[at] = (later > threshold ? 2 : 0) + (earlier > threshold ? 1 : 0);
  }
  return { change, kinds };
}

/** Return runs {kind, from, to} (frames) of equal kinds other than 0. */
export function runsOf(kinds) {
  const runs = [];
  for (let from = 0; from < kinds.length;) {
    let to = from + 1;
    while (to < kinds.length && kinds[to] === kinds[from]) to += 1;
    if (kinds[from]) runs.push({ kind: kinds[from], from, to });
    from = to;
  }
  return runs;
}

/** Draw what `after` gives more upwards, what it gives less downwards; between them kept, gained, and lost (hatched) frames. */
export function drawDifference(ctx, axis, row, before, after, classes, threshold, theme) {
  const place = classes.findIndex((one) => one.label === row.label);
  if (place < 0) return;
  const { change, kinds } = differenceOf(before, after, place, classes.length, threshold);
  const middle = row.top + row.height / 2;
  const half = (row.height - BAND_PIXELS) / 2 - 1;
  ctx.fillStyle = theme.line;
  ctx.fillRect(axis.left, Math.round(middle), axis.right - axis.left, 1);
  for (const [sign, colour] of [[1, theme.gained], [-1, theme.lost]]) {
    ctx.fillStyle = colour;
    const base = middle - sign * BAND_PIXELS / 2;
    for (let at = 0; at < after.frames; at += 1) {
      if (change[at] * sign < SMALLEST) continue;
      const left = Math.max(axis.left, axis.x(after.times[at]));
      const right = Math.min(axis.right, axis.x(after.times[at + 1]));
      const tall = Math.abs(change[at]) * half;
      if (right > left) ctx.fillRect(left, sign > 0 ? base - tall : base, right - left + 0.5, tall);
    }
  }
  const top = middle - BAND_PIXELS / 2;
  for (const { kind, from, to } of runsOf(kinds)) {
    const bar = barOf(axis, after.times[from], after.times[to]);
    if (!bar) continue;
    ctx.fillStyle = [null, theme.lost, theme.gained, theme.faint][kind];
    ctx.fillRect(bar[0], top, bar[1], BAND_PIXELS);
    if (kind === 1) hatch(ctx, bar[0], top, bar[1], BAND_PIXELS, theme.paper, 4);
  }
}
