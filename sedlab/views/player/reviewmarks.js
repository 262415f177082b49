// Decisions as marks: a row below each class that has some, and a frame with handles around what is chosen.

import { COLOURS } from "./colours.js";
import { barOf } from "./tracks/bars.js";

const SIGNS = { right: "✓", wrong: "✗", unsure: "?", moved: "↔" };
const ROW_HEIGHT = 16;
const HANDLE_PIXELS = 3;

/** Return the row that tells the decisions of a class; `draw` is called as that of `surface.addRows`. */
export function reviewRow(label, isNarrow, marks) {
  return {
    kind: "review", height: ROW_HEIGHT, name: isNarrow ? "you" : "your decisions",
    draw: (ctx, axis, row, theme) => { for (const mark of marks()) drawMark(ctx, axis, row, mark, theme); },
  };
}

/** Draw a decision, or a suspect that waits for one: a sign tells what the colour tells. */
function drawMark(ctx, axis, row, { decision, times, isChosen, isMoving }, theme) {
  const bar = Number.isFinite(times[0]) ? barOf(axis, times[0], times[1]) : [axis.left, axis.right - axis.left];
  if (!bar) return;
  const [left, width] = [bar[0] + 0.5, Math.max(2, bar[1] - 1)];
  const top = row.top + 1.5;
  const height = row.height - 3;
  const colours = { right: COLOURS.hit, wrong: COLOURS.falseAlarm, unsure: theme.faint, moved: theme.selection };
  const colour = isMoving ? theme.focus : colours[decision] ?? theme.faint;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour;
  ctx.lineWidth = 1.5;
  if (!decision || decision === "unsure") ctx.setLineDash([3, 3]);
  if (decision === "right" || decision === "moved") {
    ctx.globalAlpha = 0.3;
    ctx.fillRect(left, top, width, height);
    ctx.globalAlpha = 1;
  }
  ctx.strokeRect(left, top, width, height);
  ctx.setLineDash([]);
  if (decision === "wrong") ctx.fillRect(left, top + height / 2 - 0.75, width, 1.5);
  ctx.fillStyle = theme.text;
  ctx.font = "bold 11px sans-serif";
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  const sign = SIGNS[decision] ?? (isChosen ? "" : "…");
  if (sign) {
    const middle = left + width / 2;
    ctx.fillStyle = theme.paper;
    if (decision === "wrong") ctx.fillRect(middle - 7, top + 1, 14, height - 2);
    ctx.fillStyle = theme.text;
    ctx.fillText(sign, middle, top + height / 2 + 0.5);
  }
  ctx.restore();
}

/** Return the rows in which an item can be seen and its edges taken: its own, that of decisions, the sound. */
export function rowsOfItem(rows, item) {
  const ofSound = ({ kind }) => kind === "spectrogram" || kind === "waveform";
  const own = ({ kind, label, system }) => label === item.label
    && (kind === "review" || (item.what === "reference" && kind === "reference") || (kind === "system" && item.what === "detection" && system === item.system));
  return rows.filter((row) => ofSound(row) || (item.label && own(row)));
}

/** Draw the frame of the chosen item in its rows, lines through the sound, and handles at edges that can be moved. */
export function drawChosen(ctx, axis, rows, item, times, canMove, theme) {
  if (!item || item.what === "clip") return;
  const isTimed = Number.isFinite(times[0]);
  const bar = isTimed ? barOf(axis, times[0], times[1]) : [axis.left, axis.right - axis.left];
  if (!bar) return;
  ctx.strokeStyle = ctx.fillStyle = theme.focus;
  ctx.lineWidth = 2;
  const edges = times.filter((seconds) => isTimed && seconds >= axis.from && seconds <= axis.to).map((seconds) => axis.x(seconds));
  for (const row of rowsOfItem(rows, item)) {
    const isSound = row.kind === "spectrogram" || row.kind === "waveform";
    if (!isSound) ctx.strokeRect(bar[0] - 1, row.top, bar[1] + 2, row.height);
    for (const x of edges) {
      ctx.fillRect(x - 0.75, row.top, 1.5, row.height);
      if (canMove) ctx.fillRect(x - HANDLE_PIXELS, row.top + row.height / 2 - 6, 2 * HANDLE_PIXELS, Math.min(12, row.height));
    }
  }
}
