// What is right and what is wrong in the clip in view: marks over the tracks, and counts.

import { COLOURS } from "./colours.js";
import { eventsOf, thresholdOf } from "./detections.js";
import { CRITERIA, judged, truthOf } from "./matching.js";
import { barOf } from "./tracks/bars.js";
import { hatch } from "./tracks/words.js";

const BAR_PIXELS = 7;
const WORTH_A_SIGN_PIXELS = 12;
const truthByScene = new WeakMap();

/** Return {detections, truth, right, found} of a system and a class; null where nobody can say: not annotated, masked. */
export function verdictOf(scene, system, label, store) {
  const truth = truthIn(scene, label);
  const criterion = CRITERIA[store.get("criterion")];
  if (!truth || !criterion || system.role === "soft") return null;
  const detections = eventsOf(system, label, thresholdOf(store, label), store.get("postprocess"), scene.classes);
  return { detections, truth, ...judged(detections, truth, criterion) };
}

/** Return {hits, falseAlarms, events} of a system in a clip: of one class, or of all (""); null: nobody can say. */
export function clipCounts(scene, system, label, store) {
  const labels = label ? [label] : scene.classes.map((one) => one.label);
  const verdicts = labels.map((one) => verdictOf(scene, system, one, store)).filter(Boolean);
  if (!verdicts.length) return null;
  const sum = (count) => verdicts.reduce((total, verdict) => total + count(verdict), 0);
  return {
    hits: sum(({ found }) => found.filter(Boolean).length),
    falseAlarms: sum(({ right }) => right.filter((is) => !is).length),
    events: sum(({ truth }) => truth.length),
  };
}

/** Draw over the bars of detections which are right and which wrong, and frames where events were missed. */
export function drawVerdicts(ctx, axis, rows, theme, scene, store) {
  for (const row of rows) {
    if (row.kind !== "system" || row.masked) continue;
    const system = scene.systems.find(({ name }) => name === row.system);
    const verdict = system && verdictOf(scene, system, row.label, store);
    if (!verdict) continue;
    verdict.detections.forEach(({ onset, offset }, d) => {
      const bar = barOf(axis, onset, offset);
      if (bar) (verdict.right[d] ? drawHit : drawFalseAlarm)(ctx, bar, row);
    });
    verdict.truth.forEach(({ onset, offset }, e) => {
      const bar = verdict.found[e] ? null : barOf(axis, onset, offset);
      if (bar) drawMiss(ctx, bar, row, theme);
    });
  }
}

function drawHit(ctx, [left, width], row) {
  ctx.fillStyle = COLOURS.hit;
  ctx.fillRect(left, row.top + 1, width, BAR_PIXELS);
  if (width < WORTH_A_SIGN_PIXELS) return;
  const middle = left + width / 2;
  drawLines(ctx, "#FFFFFF", [[middle - 3, row.top + 5], [middle - 1, row.top + 7], [middle + 4, row.top + 2]]);
}

function drawFalseAlarm(ctx, [left, width], row) {
  ctx.fillStyle = COLOURS.falseAlarm;
  ctx.fillRect(left, row.top + 1, width, BAR_PIXELS);
  hatch(ctx, left, row.top + 1, width, BAR_PIXELS, "#FFFFFF", 5);
}

function drawMiss(ctx, [left, width], row, theme) {
  // On a solid line of the page's colour, the dashes can be seen over bars and strips.
  ctx.lineWidth = 2;
  ctx.strokeStyle = theme.paper;
  ctx.strokeRect(left + 1, row.top + 1, Math.max(1, width - 2), row.height - 2);
  ctx.strokeStyle = COLOURS.miss;
  ctx.setLineDash([4, 3]);
  ctx.strokeRect(left + 1, row.top + 1, Math.max(1, width - 2), row.height - 2);
  ctx.setLineDash([]);
  ctx.lineWidth = 1;
}

function drawLines(ctx, colour, points) {
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  for (const [x, y] of points) ctx.lineTo(x, y);
  ctx.stroke();
  ctx.lineWidth = 1;
}

function truthIn(scene, label) {
  if (!scene.events || scene.classes.some((one) => one.label === label && one.masked)) return null;
  const kept = truthByScene.get(scene) ?? new Map();
  truthByScene.set(scene, kept);
  if (!kept.has(label)) kept.set(label, truthOf(scene.events, label));
  return kept.get(label);
}
