// Words and grounds of the rows: the ruler, the names of classes, what stands left of a row, hatching.

import { timeText, timeTicks } from "../axis.js";

const widthsOfText = new Map();

/** Return `text` at most `width` pixels wide, its middle left out where it must be: names differ at their ends. */
export function fitted(ctx, text, width) {
  const wide = (part) => {
    const key = `${ctx.font}|${part}`;
    if (!widthsOfText.has(key)) widthsOfText.set(key, ctx.measureText(part).width);
    return widthsOfText.get(key);
  };
  if (wide(text) <= width) return text;
  const short = text.replace("iteration ", "it. ");
  if (wide(short) <= width) return short;
  const left = (kept) => `${short.slice(0, Math.ceil(kept / 2))}…${short.slice(short.length - Math.floor(kept / 2))}`;
  let kept = short.length - 1;
  while (kept > 0 && wide(left(kept)) > width) kept -= 1;
  return left(kept);
}

/** Draw the seconds above the spectrogram. */
export function drawRuler(ctx, axis, row, duration, theme) {
  const { step, at } = timeTicks(axis);
  ctx.font = "11px sans-serif";
  ctx.textAlign = "center";
  ctx.textBaseline = "alphabetic";
  const bottom = row.top + row.height;
  at.forEach((seconds, place) => {
    const x = axis.x(seconds);
    ctx.fillStyle = theme.faint;
    ctx.fillRect(x, bottom - 4, 1, 4);
    ctx.fillStyle = theme.text;
    const text = timeText(seconds, step, duration >= 120);
    const half = ctx.measureText(text).width / 2;
    const isLast = place === at.length - 1;
    ctx.fillText(isLast && x + half + 8 < axis.right ? `${text} s` : text, Math.min(x, axis.right - half), bottom - 7);
  });
}

/** Draw a faint line at each tick from `top` to `bottom`. */
export function drawGrid(ctx, axis, top, bottom, theme) {
  ctx.fillStyle = theme.line;
  for (const seconds of timeTicks(axis).at) ctx.fillRect(Math.round(axis.x(seconds)), top, 1, bottom - top);
}

/** Draw the name of a class on a line of its own; of a masked one, why nothing can be said about it. */
export function drawHeading(ctx, axis, row, theme) {
  ctx.fillStyle = theme.line;
  ctx.fillRect(0, row.top, axis.right, 1);
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.fillStyle = theme.text;
  ctx.font = "bold 12px sans-serif";
  const middle = row.top + row.height / 2 + 1;
  ctx.fillText(row.name, 2, middle);
  if (!row.masked) return;
  const after = ctx.measureText(row.name).width + 10;
  ctx.font = "italic 11px sans-serif";
  ctx.fillStyle = theme.faint;
  ctx.fillText(fitted(ctx, "masked: the corpus of this clip does not annotate it", axis.right - after), after, middle);
}

/** Write what a row shows left of the axis: a number in its colour, and `text` where there is room. */
export function drawRowName(ctx, axis, row, text, theme, look = null) {
  const middle = row.top + row.height / 2;
  ctx.textBaseline = "middle";
  const roomy = axis.left > 60;
  let x = axis.left - 6;
  if (look) {
    ctx.font = "bold 10px sans-serif";
    ctx.textAlign = "right";
    ctx.fillStyle = look.colour;
    ctx.fillText(String(look.number), x, middle);
    x -= 14;
  }
  if (!roomy && look) return;
  ctx.font = "11px sans-serif";
  ctx.textAlign = "right";
  ctx.fillStyle = theme.text;
  ctx.fillText(fitted(ctx, text, x - 2), x, middle);
}

/** Say that a clip has no class to show. */
export function drawEmpty(ctx, axis, row, annotated, theme) {
  ctx.font = "12px sans-serif";
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.fillStyle = theme.faint;
  const text = annotated ? "No event annotated, no class above 0.2." : "No class above 0.2; nobody annotated this clip.";
  ctx.fillText(fitted(ctx, text, axis.right - 4), 2, row.top + row.height / 2);
}

/** Say in the place of the spectrogram why there is no sound. */
export function drawSilence(ctx, axis, row, why, theme) {
  ctx.fillStyle = theme.line;
  ctx.fillRect(axis.left, row.top, axis.right - axis.left, row.height);
  ctx.font = "12px sans-serif";
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillStyle = theme.text;
  ctx.fillText(fitted(ctx, why, axis.right - axis.left - 8), (axis.left + axis.right) / 2, row.top + row.height / 2);
}

/** Draw slanting lines over a rectangle. */
export function hatch(ctx, x, y, width, height, colour, apart = 6) {
  if (width <= 0) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(x, y, width, height);
  ctx.clip();
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1;
  ctx.beginPath();
  for (let at = x - height - (x % apart); at < x + width; at += apart) {
    ctx.moveTo(at, y + height);
    ctx.lineTo(at + height, y);
  }
  ctx.stroke();
  ctx.restore();
}
