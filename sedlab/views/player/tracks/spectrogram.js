// The spectrogram: bytes to an image once, then the part in view stretched over its row.

import { makeBandAxis, bandTicks, melOf } from "../frequency.js";
import { spectrogramColours } from "../colours.js";

// Browsers draw no canvas wider than about 32,000 pixels; long recordings are kept in pieces.
const PIECE_FRAMES = 8192;
const imagesByMel = new WeakMap();
let levelColours = null;

/** Return the images of a log-mel {values (bands x frames, low first), bands, frames}, from left to right. */
function spectrogramPieces(mel) {
  if (imagesByMel.has(mel)) return imagesByMel.get(mel);
  levelColours ??= spectrogramColours();
  const pieces = [];
  for (let first = 0; first < mel.frames; first += PIECE_FRAMES) {
    const width = Math.min(PIECE_FRAMES, mel.frames - first);
    const pixels = new ImageData(width, mel.bands);
    const words = new Uint32Array(pixels.data.buffer);
    for (let band = 0; band < mel.bands; band += 1) {
      const from = band * mel.frames + first;
      const to = (mel.bands - 1 - band) * width;
      for (let frame = 0; frame < width; frame += 1) words[to + frame] = levelColours[mel.values[from + frame]];
    }
    const canvas = new OffscreenCanvas(width, mel.bands);
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    pieces.push({ first, width, canvas });
  }
  imagesByMel.set(mel, pieces);
  return pieces;
}

/** Draw the spectrogram in `row`, and its frequencies (kHz) at the left. */
export function drawSpectrogram(ctx, axis, row, scene, band, theme) {
  const { mel } = scene;
  const scale = makeBandAxis(band, row.top, row.height);
  ctx.save();
  ctx.beginPath();
  ctx.rect(axis.left, row.top, axis.right - axis.left, row.height);
  ctx.clip();
  ctx.fillStyle = "#000004";
  ctx.fillRect(axis.left, row.top, axis.right - axis.left, row.height);
  // Frame t is centred on second t * hop: its pixel begins half a hop earlier.
  const frameAt = (seconds) => seconds / mel.hopSeconds + 0.5;
  const whole = melOf(mel.maxHz);
  const [low, high] = band.map((hz) => melOf(hz) / whole * mel.bands);
  ctx.imageSmoothingQuality = "high";
  for (const { first, width, canvas } of spectrogramPieces(mel)) {
    const from = Math.max(first, frameAt(axis.from));
    const to = Math.min(first + width, frameAt(axis.to));
    if (to <= from) continue;
    const left = axis.x((from - 0.5) * mel.hopSeconds);
    const right = axis.x((to - 0.5) * mel.hopSeconds);
    ctx.drawImage(canvas, from - first, mel.bands - high, to - from, high - low, left, row.top, right - left, row.height);
  }
  ctx.restore();
  drawFrequencies(ctx, axis, row, bandTicks(band, scale), scale, theme);
}

function drawFrequencies(ctx, axis, row, ticks, scale, theme) {
  ctx.fillStyle = theme.text;
  ctx.strokeStyle = theme.faint;
  ctx.font = "10px sans-serif";
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  for (const hz of ticks) {
    const y = scale.y(hz);
    const inside = Math.min(Math.max(y, row.top + 6), row.top + row.height - 6);
    ctx.fillText(String(hz / 1000), axis.left - 6, inside);
    ctx.beginPath();
    ctx.moveTo(axis.left - 4, y);
    ctx.lineTo(axis.left, y);
    ctx.stroke();
  }
  if (axis.left > 60) {
    ctx.save();
    ctx.translate(axis.left - 36, row.top + row.height / 2);
    ctx.rotate(-Math.PI / 2);
    ctx.textAlign = "center";
    ctx.fillText("frequency (kHz)", 0, 0);
    ctx.restore();
  } else {
    ctx.textAlign = "left";
    ctx.fillText("kHz", 1, row.top - 8);
  }
}
