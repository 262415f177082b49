// Where the pictures of the front-ends lie, and what of them stands under the pointer.

import { makeBandAxis, melOf, hzOf } from "../../player/frequency.js";

const MARGIN_LEFT = 52;
const MARGIN_RIGHT = 46;
const HEADING = 18;
const ROW_GAP = 8;
const LABEL_HEIGHT = 14;
const HIGHEST_HZ = 8000;

/** Return {left, right, rows, height} for a canvas `width` pixels wide: a row for each panel, then one for each label. */
export function layoutOf(width, panels, labels) {
  const tall = width < 520 ? 96 : 128;
  const rows = [];
  let top = 0;
  for (const panel of panels) {
    rows.push({ kind: "panel", panel, title: top, top: top + HEADING, height: tall });
    top += HEADING + tall + ROW_GAP;
  }
  if (labels.length) {
    rows.push({ kind: "heading", title: top, top, height: HEADING });
    top += HEADING;
  }
  for (const label of labels) {
    rows.push({ kind: "label", label, top, height: LABEL_HEIGHT });
    top += LABEL_HEIGHT;
  }
  return { left: MARGIN_LEFT, right: Math.max(MARGIN_LEFT + 40, width - MARGIN_RIGHT), rows, ticks: top + 4, height: top + 34 };
}

/** Return the axis of frequencies of a row: 0 to 8 kHz for all, evenly in mel. */
export function bandAxisOf(row) {
  return makeBandAxis([0, HIGHEST_HZ], row.top, row.height);
}

/** Return [from, to] s of a panel's frames: the first begins half a hop before its middle. */
export function secondsOf(panel) {
  return [panel.first - panel.hop / 2, panel.first + (panel.frames - 0.5) * panel.hop];
}

/** Return [low, high] Hz between which a panel's bands are drawn, each around its peak; `edges` are bands + 2. */
export function hertzOf(edges) {
  const half = (melOf(edges[edges.length - 1]) - melOf(edges[0])) / (edges.length - 1) / 2;
  return [hzOf(melOf(edges[1]) - half), hzOf(melOf(edges[edges.length - 2]) + half)];
}

/** Return {band, frame} of a panel at a time and a frequency; null: outside. */
export function cellOf(panel, edges, seconds, hz) {
  const [low, high] = hertzOf(edges).map(melOf);
  const band = Math.floor((melOf(hz) - low) / (high - low) * panel.bands);
  const frame = Math.floor((seconds - secondsOf(panel)[0]) / panel.hop);
  if (band < 0 || band >= panel.bands || frame < 0 || frame >= panel.frames) return null;
  return { band, frame };
}

/** Return what a side ("before", "after", "difference") shows of a panel in a cell. */
export function shownValue(panel, side, { band, frame }) {
  const place = band * panel.frames + frame;
  const value = (level) => panel.low + level / 255 * (panel.high - panel.low);
  const before = value(panel.before[place]);
  const after = value((panel.after ?? panel.before)[place]);
  if (side === "difference") return after - before;
  return side === "after" ? after : before;
}

/** Return the largest difference between both sides of a panel, in its unit; at least a 255th of its range. */
export function largestDifference(panel) {
  let most = 1;
  if (panel.after) {
    for (let i = 0; i < panel.after.length; i += 1) most = Math.max(most, Math.abs(panel.after[i] - panel.before[i]));
  }
  return most / 255 * (panel.high - panel.low);
}

/** Return the pixels (32-bit words, the highest band first) of a side of a panel; `colours` and `signs` have 256 each. */
export function pixelsOf(panel, side, colours, signs) {
  const words = new Uint32Array(panel.bands * panel.frames);
  const { before, frames, bands } = panel;
  const after = panel.after ?? before;
  const most = largestDifference(panel) / ((panel.high - panel.low) || 1) * 255 || 1;
  for (let band = 0; band < bands; band += 1) {
    const from = band * frames;
    const to = (bands - 1 - band) * frames;
    for (let frame = 0; frame < frames; frame += 1) {
      const place = from + frame;
      if (side === "difference") words[to + frame] = signs[Math.round(127.5 + 127.5 * (after[place] - before[place]) / most)];
      else words[to + frame] = colours[side === "after" ? after[place] : before[place]];
    }
  }
  return words;
}

/** Return 256 colours from less (blue) over nothing to more (orange), on a light or a dark page. */
export function signColours(dark) {
  const middle = dark ? [24, 24, 24] : [250, 250, 250];
  const [less, more] = dark ? [[86, 180, 233], [255, 150, 70]] : [[0, 90, 160], [190, 80, 0]];
  const bytes = new Uint8ClampedArray(1024);
  for (let level = 0; level < 256; level += 1) {
    const way = (level - 127.5) / 127.5;
    const end = way < 0 ? less : more;
    const part = Math.abs(way) ** 0.7;
    for (let channel = 0; channel < 3; channel += 1) {
      bytes[4 * level + channel] = middle[channel] + part * (end[channel] - middle[channel]);
    }
    bytes[4 * level + 3] = 255;
  }
  return new Uint32Array(bytes.buffer);
}
