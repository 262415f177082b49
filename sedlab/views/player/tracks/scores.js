// Scores over time: as strips, one pixel a frame stretched over the row; as curves with the threshold as a line.

import { scoreColours } from "../colours.js";

const UNEVEN_COLUMNS = 2048;
const stripsBySystem = new WeakMap();

/** Return the scores that count: those of `way` ("none", "median"), of boxes those they were made from. */
export function scoresOf(system, way) {
  return (way === "median" && system.ways.median) || system.ways.none;
}

/** Return for each of `columns` even steps from the first to the last time the frame that is on (Int32Array). */
export function frameOfColumns(times, columns) {
  const frames = new Int32Array(columns);
  const first = times[0];
  const length = times[times.length - 1] - first;
  let frame = 0;
  for (let column = 0; column < columns; column += 1) {
    const middle = first + (column + 0.5) / columns * length;
    while (frame < times.length - 2 && times[frame + 1] <= middle) frame += 1;
    frames[column] = frame;
  }
  return frames;
}

/** Say whether all frames last as long as their mean, to a thousandth of it. */
export function isEven(times) {
  const hop = (times[times.length - 1] - times[0]) / (times.length - 1);
  return times.every((time, place) => Math.abs(time - times[0] - place * hop) < hop * 1e-3 + 1e-9);
}

/** Return the image of a system's scores: a row a class, a column a frame, from clear to `colour`. */
function stripOf(system, way, classes, colour) {
  const kept = stripsBySystem.get(system) ?? new Map();
  stripsBySystem.set(system, kept);
  const scores = scoresOf(system, way);
  const key = `${scores === system.ways.none ? "none" : way} ${colour}`;
  if (kept.has(key)) return kept.get(key);
  const frames = isEven(system.times) ? null : frameOfColumns(system.times, UNEVEN_COLUMNS);
  const columns = frames ? UNEVEN_COLUMNS : system.frames;
  const pixels = new ImageData(columns, classes);
  const words = new Uint32Array(pixels.data.buffer);
  const colours = scoreColours(colour);
  for (let column = 0; column < columns; column += 1) {
    const from = (frames ? frames[column] : column) * classes;
    for (let place = 0; place < classes; place += 1) {
      words[place * columns + column] = colours[Math.round(scores[from + place] * 255)];
    }
  }
  const canvas = new OffscreenCanvas(columns, classes);
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  kept.set(key, canvas);
  return canvas;
}

/** Draw the scores of a class (the column `place`) as a strip of `height` from `top` on. */
export function drawStrip(ctx, axis, top, height, system, way, classes, place, colour) {
  if (place < 0 || !system.frames) return;
  const strip = stripOf(system, way, classes.length, colour);
  const first = system.times[0];
  const last = system.times[system.times.length - 1];
  const from = Math.max(axis.from, first);
  const to = Math.min(axis.to, last);
  if (to <= from) return;
  const column = (seconds) => (seconds - first) / (last - first) * strip.width;
  ctx.imageSmoothingEnabled = false;
  ctx.drawImage(strip, column(from), place, column(to) - column(from), 1, axis.x(from), top, axis.x(to) - axis.x(from), height);
  ctx.imageSmoothingEnabled = true;
}

/** Return the height of a score in a row of curves. */
export function curveY(row, score) {
  return row.top + 3 + (1 - score) * (row.height - 6);
}

/** Return the score at a height in a row of curves, 0 to 1. */
export function curveScore(row, y) {
  return Math.min(1, Math.max(0, 1 - (y - row.top - 3) / (row.height - 6)));
}

/** Draw the scores of a class by one system as a line; of boxes their confidences as steps above it. */
export function drawCurve(ctx, axis, row, system, way, classes, label, colour) {
  const place = classes.findIndex((one) => one.label === label);
  if (place < 0) return;
  const scores = scoresOf(system, way);
  ctx.strokeStyle = colour;
  ctx.lineWidth = way === "boxes" && system.boxes ? 0.8 : 1.5;
  ctx.beginPath();
  for (let frame = 0; frame < system.frames; frame += 1) {
    const from = system.times[frame];
    if (system.times[frame + 1] < axis.from || from > axis.to) continue;
    const y = curveY(row, scores[frame * classes.length + place]);
    ctx.lineTo(axis.x(from), y);
    ctx.lineTo(axis.x(system.times[frame + 1]), y);
  }
  ctx.stroke();
  ctx.lineWidth = 2.5;
  if (way === "boxes") {
    for (const box of system.boxes ?? []) {
      if (box.label !== label) continue;
      const y = curveY(row, box.confidence);
      ctx.beginPath();
      ctx.moveTo(axis.x(box.onset), y);
      ctx.lineTo(axis.x(box.offset), y);
      ctx.stroke();
    }
  }
  ctx.lineWidth = 1;
}

/** Draw the frame of a row of curves, its scale, and the threshold with its number. */
export function drawCurveGround(ctx, axis, row, threshold, theme) {
  ctx.fillStyle = theme.line;
  for (const score of [0, 0.5, 1]) ctx.fillRect(axis.left, Math.round(curveY(row, score)), axis.right - axis.left, 1);
  ctx.fillStyle = theme.text;
  ctx.font = "10px sans-serif";
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  for (const score of [0, 1]) ctx.fillText(String(score), axis.left - 6, curveY(row, score) + (score ? 3 : -3));
  const y = curveY(row, threshold);
  ctx.strokeStyle = theme.text;
  ctx.setLineDash([5, 3]);
  ctx.beginPath();
  ctx.moveTo(axis.left, y);
  ctx.lineTo(axis.right, y);
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.textAlign = "left";
  ctx.textBaseline = y > row.top + 14 ? "bottom" : "top";
  ctx.fillText(`threshold ${threshold.toFixed(2)}`, axis.left + 3, y);
}
