// The waveform: the lowest and highest sample under each pixel.

const FULL_SCALE = 32768;

/** Return {low, high} (Float32Array, -1 to 1) of the samples (Int16Array) under each of `width` pixels of a span. */
export function envelopeOf(samples, sampleRate, span, width) {
  const low = new Float32Array(width);
  const high = new Float32Array(width);
  const step = (span[1] - span[0]) * sampleRate / width;
  const start = span[0] * sampleRate;
  for (let pixel = 0; pixel < width; pixel += 1) {
    const from = Math.max(0, Math.floor(start + pixel * step));
    const to = Math.min(samples.length, Math.max(from + 1, Math.ceil(start + (pixel + 1) * step)));
    let least = 0;
    let most = 0;
    if (from < to) least = most = samples[from];
    for (let at = from + 1; at < to; at += 1) {
      const value = samples[at];
      if (value < least) least = value;
      else if (value > most) most = value;
    }
    low[pixel] = least / FULL_SCALE;
    high[pixel] = most / FULL_SCALE;
  }
  return { low, high };
}

/** Draw the waveform in `row`, as tall as its loudest sample in view allows; the scale stands at the left. */
export function drawWaveform(ctx, axis, row, scene, theme) {
  const width = Math.max(1, Math.round(axis.right - axis.left));
  const { low, high } = envelopeOf(scene.samples, scene.sampleRate, [axis.from, axis.to], width);
  let loudest = 1e-4;
  for (let pixel = 0; pixel < width; pixel += 1) loudest = Math.max(loudest, high[pixel], -low[pixel]);
  const middle = row.top + row.height / 2;
  const half = (row.height / 2 - 1) / loudest;
  ctx.fillStyle = theme.line;
  ctx.fillRect(axis.left, middle - 0.5, width, 1);
  ctx.fillStyle = theme.faint;
  for (let pixel = 0; pixel < width; pixel += 1) {
    const top = middle - high[pixel] * half;
    ctx.fillRect(axis.left + pixel, top, 1, Math.max(1, middle - low[pixel] * half - top));
  }
  ctx.fillStyle = theme.text;
  ctx.font = "10px sans-serif";
  ctx.textAlign = "right";
  ctx.textBaseline = "top";
  ctx.fillText(loudest.toPrecision(2), axis.left - 6, row.top);
}
