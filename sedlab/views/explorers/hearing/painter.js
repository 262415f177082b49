// Draws the pictures of the front-ends on one time axis, with Hz at the left and the scale of values at the right.

import { makeAxis, timeText, timeTicks } from "../../player/axis.js";
import { spectrogramColours, themeOf } from "../../player/colours.js";
import { bandTicks } from "../../player/frequency.js";
import { bandAxisOf, hertzOf, largestDifference, layoutOf, pixelsOf, secondsOf, signColours } from "./pictures.js";

const BAR_WIDTH = 9;

/** Return a painter of `canvas`: paint({view, side, span}) draws, at(x, y) says what lies there. */
export function makePainter(canvas, root) {
  const magma = spectrogramColours();
  let images = new Map();
  let painted = null;

  function imageOf(panel, side, dark) {
    const key = `${panel.name} ${side} ${dark}`;
    if (!images.has(key)) {
      const image = new OffscreenCanvas(panel.frames, panel.bands);
      const data = new ImageData(panel.frames, panel.bands);
      new Uint32Array(data.data.buffer).set(pixelsOf(panel, side, magma, signColours(dark)));
      image.getContext("2d").putImageData(data, 0, 0);
      images.set(key, image);
    }
    return images.get(key);
  }

  function paint({ view, side, span }) {
    const width = Math.max(200, canvas.parentNode.clientWidth);
    const layout = layoutOf(width, view.panels, view.labels);
    const scale = window.devicePixelRatio || 1;
    const theme = themeOf(root);
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(layout.height * scale);
    canvas.style.height = `${layout.height}px`;
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    context.font = `11px ${getComputedStyle(root).fontFamily || "sans-serif"}`;
    context.textBaseline = "middle";
    const axis = makeAxis(span, layout.left, layout.right);
    for (const row of layout.rows) {
      if (row.kind === "panel") panelRow(context, row, axis, side, theme);
      else if (row.kind === "label") labelRow(context, row, axis, side, view.seconds, theme);
      else say(context, side === "difference" ? "Labels, after" : `Labels, ${side}`, 0, row.title + 9, theme.text, { bold: true });
    }
    times(context, layout, axis, theme);
    painted = { layout, axis };
  }

  function panelRow(context, row, axis, side, theme) {
    const { panel } = row;
    const bands = bandAxisOf(row);
    const edges = panel.edges[side === "after" ? 1 : 0];
    const [low, high] = hertzOf(edges);
    const [from, to] = secondsOf(panel).map(axis.x);
    const range = `${Math.round(edges[0])} to ${Math.round(edges[edges.length - 1])} Hz`;
    say(context, panel.name, 0, row.title + 9, theme.text, { bold: true });
    say(context, `${range}, ${panel.bands} bands, a frame each ${Math.round(panel.hop * 1000)} ms`, axis.left, row.title + 9, theme.faint);
    inside(context, row, axis, () => {
      context.imageSmoothingEnabled = false;
      context.drawImage(imageOf(panel, side, theme.dark), from, bands.y(high), to - from, bands.y(low) - bands.y(high));
    });
    for (const hz of bandTicks([0, 8000], bands)) {
      const y = Math.min(row.top + row.height - 5, Math.max(row.top + 5, bands.y(hz)));
      say(context, `${hz}`, axis.left - 6, y, theme.faint, { align: "right" });
      context.fillStyle = theme.faint;
      context.fillRect(axis.left - 4, Math.round(bands.y(hz)), 4, 1);
    }
    scaleOf(context, row, axis, side, theme);
  }

  function scaleOf(context, row, axis, side, theme) {
    const { panel } = row;
    const colours = side === "difference" ? signColours(theme.dark) : magma;
    const most = largestDifference(panel);
    const [low, high] = side === "difference" ? [-most, most] : [panel.low, panel.high];
    for (let y = 0; y < row.height; y += 1) {
      const word = colours[Math.round(255 * (1 - y / (row.height - 1)))];
      context.fillStyle = `rgb(${word & 255} ${(word >> 8) & 255} ${(word >> 16) & 255})`;
      context.fillRect(axis.right + 5, row.top + y, BAR_WIDTH, 1);
    }
    const places = [[high, 5], [(low + high) / 2, row.height / 2], [low, row.height - 5]];
    for (const [value, y] of places) say(context, value.toFixed(1), axis.right + BAR_WIDTH + 8, row.top + y, theme.faint);
  }

  function labelRow(context, row, axis, side, seconds, theme) {
    const values = side === "before" ? row.label.before : row.label.after;
    const step = seconds / values.length;
    inside(context, row, axis, () => {
      context.fillStyle = theme.reference;
      values.forEach((value, frame) => {
        if (value <= 0) return;
        context.globalAlpha = value;
        context.fillRect(axis.x(frame * step), row.top + 2, axis.x(step) - axis.x(0) + 0.5, row.height - 4);
      });
    });
    context.strokeStyle = theme.line;
    context.strokeRect(axis.left, row.top + 1.5, axis.right - axis.left, row.height - 3);
    say(context, row.label.name, 0, row.top + row.height / 2, theme.text, { most: axis.left - 4 });
  }

  function times(context, layout, axis, theme) {
    const { step, at } = timeTicks(axis);
    for (const seconds of at) {
      context.fillStyle = theme.faint;
      context.fillRect(Math.round(axis.x(seconds)), layout.ticks - 4, 1, 4);
      say(context, timeText(seconds, step), axis.x(seconds), layout.ticks + 7, theme.faint, { align: "center" });
    }
    say(context, "Time (s)", (axis.left + axis.right) / 2, layout.ticks + 22, theme.faint, { align: "center" });
    say(context, "Hz", axis.left - 6, layout.ticks + 7, theme.faint, { align: "right" });
  }

  function inside(context, row, axis, draw) {
    context.save();
    context.beginPath();
    context.rect(axis.left, row.top, axis.right - axis.left, row.height);
    context.clip();
    draw();
    context.restore();
  }

  function say(context, said, x, y, colour, { bold = false, align = "left", most = undefined } = {}) {
    context.save();
    if (bold) context.font = `bold ${context.font}`;
    context.textAlign = align;
    context.fillStyle = colour;
    context.fillText(said, x, y, most);
    context.restore();
  }

  return {
    paint,
    /** Return {row, seconds, hz} under a point of the canvas; null: nothing is there. */
    at(x, y) {
      if (!painted || x < painted.axis.left || x > painted.axis.right) return null;
      const row = painted.layout.rows.find((one) => one.kind === "panel" && y >= one.top && y <= one.top + one.height);
      return row ? { row, seconds: painted.axis.seconds(x), hz: bandAxisOf(row).hz(y) } : null;
    },
    axis: () => painted?.axis ?? null,
    depth: () => painted?.layout.ticks ?? 0,
    forget() { images = new Map(); },
  };
}
