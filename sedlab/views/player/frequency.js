// Hertz to pixels and back, evenly in mel (O'Shaughnessy 1987), as the spectrogram's bands are.

const NARROWEST_MEL = 200;
const TICKS_HZ = [0, 125, 250, 500, 1000, 2000, 3000, 4000, 6000, 8000, 12000, 16000, 22000];
const TICK_HEIGHT = 16;

export const melOf = (hz) => 2595 * Math.log10(1 + hz / 700);
export const hzOf = (mel) => 700 * (10 ** (mel / 2595) - 1);

/** Return the shown band: `band` ([low, high] Hz), or everything up to `maxHz` where that is empty. */
export function shownBand(band, maxHz) {
  return band?.length === 2 ? [band[0], Math.min(band[1], maxHz)] : [0, maxHz];
}

/** Make the axis of a band ([low, high] Hz) over `height` pixels from `top` on; high sounds above. */
export function makeBandAxis(band, top, height) {
  const [low, high] = band.map(melOf);
  return {
    y: (hz) => top + height * (1 - (melOf(hz) - low) / (high - low || 1)),
    hz: (y) => hzOf(low + (1 - (y - top) / height) * (high - low)),
  };
}

/** Return `band` made `factor` times as wide (in mel) around `centre` Hz; empty when that is everything. */
export function zoomedBand(band, factor, centre, maxHz) {
  const [low, high] = band.map(melOf);
  const whole = melOf(maxHz);
  const width = Math.min(whole, Math.max(NARROWEST_MEL, (high - low) * factor));
  if (width >= whole - 1e-6) return [];
  const middle = melOf(centre);
  const from = Math.min(Math.max(0, middle - (middle - low) * width / (high - low)), whole - width);
  return [from, from + width].map((mel) => Math.round(hzOf(mel)));
}

/** Return `band` moved up by `part` of its width, as far as there are frequencies. */
export function pannedBand(band, part, maxHz) {
  const [low, high] = band.map(melOf);
  const from = Math.min(Math.max(0, low + part * (high - low)), melOf(maxHz) - (high - low));
  return [from, from + high - low].map((mel) => Math.round(hzOf(mel)));
}

/** Return the round frequencies (Hz) inside a band whose labels do not touch, from high to low. */
export function bandTicks(band, axis) {
  const chosen = [];
  const inside = TICKS_HZ.filter((hz) => hz >= band[0] && hz <= band[1]);
  for (const hz of inside.reverse()) {
    if (!chosen.length || axis.y(hz) - axis.y(chosen[chosen.length - 1]) >= TICK_HEIGHT) chosen.push(hz);
  }
  return chosen;
}
