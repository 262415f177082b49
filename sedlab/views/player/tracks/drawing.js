// What each kind of row looks like: which picture is drawn in it, and which name stands beside it.

import { eventsOf } from "../detections.js";
import { drawDetections, drawReference } from "./bars.js";
import { drawDifference } from "./difference.js";
import { drawCurve, drawCurveGround, drawStrip } from "./scores.js";
import { drawSpectrogram } from "./spectrogram.js";
import { drawWaveform } from "./waveform.js";
import { drawEmpty, drawHeading, drawRowName, drawRuler, drawSilence, hatch } from "./words.js";

/** Draw a row of the sound; `band`: the hertz in view. */
export function drawSoundRow(ctx, axis, row, scene, band, theme) {
  if (row.kind === "ruler") drawRuler(ctx, axis, row, scene.duration, theme);
  else if (row.kind === "spectrogram" && scene.mel) drawSpectrogram(ctx, axis, row, scene, band, theme);
  else if (row.kind === "spectrogram" && scene.silence) drawSilence(ctx, axis, row, scene.silence, theme);
  else if (row.kind === "waveform") drawWaveform(ctx, axis, row, scene, theme);
}

/** Draw a row below the sound; `view`: {systems: those shown, looks, way, threshold: of the row's class, theme}. */
export function drawRow(ctx, axis, row, scene, { systems, looks, way, threshold, theme }) {
  const named = (name) => scene.systems.find((one) => one.name === name);
  const system = named(row.system);
  const look = looks[row.system];
  if (row.masked && row.kind !== "heading") {
    hatch(ctx, axis.left, row.top, axis.right - axis.left, row.height, theme.line, 7);
  }
  if (row.draw) {
    drawRowName(ctx, axis, row, row.name ?? "", theme);
    row.draw(ctx, axis, row, theme);
  } else if (row.kind === "empty") drawEmpty(ctx, axis, row, scene.events !== null, theme);
  else if (row.kind === "heading") drawHeading(ctx, axis, row, theme);
  else if (row.kind === "reference") {
    drawRowName(ctx, axis, row, axis.left > 60 ? "reference" : "ref.", theme);
    drawReference(ctx, axis, row, scene.events.filter(({ label }) => label === row.label), theme);
  } else if (row.kind === "curve") {
    drawCurveGround(ctx, axis, row, threshold, theme);
    ctx.save();
    ctx.beginPath();
    ctx.rect(axis.left, row.top, axis.right - axis.left, row.height);
    ctx.clip();
    for (const one of systems) drawCurve(ctx, axis, row, one, way, scene.classes, row.label, looks[one.name].colour);
    ctx.restore();
  } else if (row.kind === "difference") {
    const text = axis.left > 60 ? `change from ${looks[row.before].number} to ${look.number}` : "diff.";
    drawRowName(ctx, axis, row, text, theme);
    drawDifference(ctx, axis, row, named(row.before), system, scene.classes, threshold, theme);
  } else if (row.kind === "system") {
    drawRowName(ctx, axis, row, row.system, theme, look);
    const place = scene.classes.findIndex(({ label }) => label === row.label);
    const bars = system.role === "soft" ? 0 : 7;
    const left = row.height - bars - 3;
    if (left > 3) drawStrip(ctx, axis, row.top + bars + 2, left, system, way, scene.classes, place, look.colour);
    if (bars) drawDetections(ctx, axis, row, eventsOf(system, row.label, threshold, way, scene.classes), look, bars);
  }
}
