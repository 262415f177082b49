// Events as bars: what people annotated, and what a system detects.

import { hatch } from "./words.js";

/** Return [left, width] of an event on the axis, cut to what is shown and at least 2 pixels wide; null outside. */
export function barOf(axis, onset, offset) {
  if (offset <= axis.from || onset >= axis.to) return null;
  const left = Math.max(axis.left, axis.x(onset));
  return [left, Math.max(2, Math.min(axis.right, axis.x(offset)) - left)];
}

/** Draw the reference of a class: a bar an event, hatched for a label of the whole clip, paler where people doubted. */
export function drawReference(ctx, axis, row, events, theme) {
  const height = row.height - 4;
  for (const { onset, offset, confidence } of events) {
    if (onset === null || offset === null) {
      hatch(ctx, axis.left, row.top + 2, axis.right - axis.left, height, theme.reference);
      ctx.strokeStyle = theme.reference;
      ctx.strokeRect(axis.left + 0.5, row.top + 2.5, axis.right - axis.left - 1, height - 1);
      continue;
    }
    const bar = barOf(axis, onset, offset);
    if (!bar) continue;
    ctx.globalAlpha = confidence === null || confidence === undefined ? 1 : 0.3 + 0.7 * confidence;
    ctx.fillStyle = theme.reference;
    ctx.fillRect(bar[0], row.top + 2, bar[1], height);
  }
  ctx.globalAlpha = 1;
}

/** Draw the detections of a system in the upper part of its row. */
export function drawDetections(ctx, axis, row, events, look, height) {
  ctx.fillStyle = look.colour;
  for (const { onset, offset } of events) {
    const bar = barOf(axis, onset, offset);
    if (bar) ctx.fillRect(bar[0], row.top + 1, bar[1], height);
  }
}
