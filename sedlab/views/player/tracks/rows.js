// Which rows a clip gets, and where each lies: the sound above, then class by class what people and systems say.

/** A class is worth a row when some system gives it more than this anywhere in the clip; as in figures/clips/clip.py. */
export const SHOWN_ABOVE = 0.2;
const SURE_ABOVE = 0.5;
const HEIGHTS = { ruler: 20, spectrogram: 170, narrowSpectrogram: 130, waveform: 56, heading: 17, reference: 12, system: 16, barsOnly: 12, soft: 10, difference: 22, curve: 48, ownCurve: 84, empty: 26 };
const GAP = 5;
const peaksBySystem = new WeakMap();

/** Return the largest score, or confidence of a box, of each class: Float64Array (classes). Remembered. */
export function peaksOf(system, classes) {
  if (peaksBySystem.has(system)) return peaksBySystem.get(system);
  const peaks = new Float64Array(classes.length);
  const scores = system.ways.none;
  for (let at = 0, column = 0; at < scores.length; at += 1, column = column + 1 === classes.length ? 0 : column + 1) {
    if (scores[at] > peaks[column]) peaks[column] = scores[at];
  }
  for (const box of system.boxes ?? []) {
    const column = classes.findIndex(({ label }) => label === box.label);
    if (column >= 0) peaks[column] = Math.max(peaks[column], box.confidence);
  }
  peaksBySystem.set(system, peaks);
  return peaks;
}

/**
 * Return the classes that matter in a clip: annotated, scored above 0.2 (or its threshold, if that is lower) by a
 * system that is shown, or among `always`. Annotated ones come first, then those somebody is rather sure of, and those
 * that the clip's corpus does not annotate last: where nothing moves while a threshold is dragged.
 */
export function shownClasses(scene, systems, thresholdOfLabel, always = []) {
  const wanted = new Set([...(scene.events ?? []).map(({ label }) => label), ...always]);
  const peaks = systems.map((system) => peaksOf(system, scene.classes));
  const chosen = scene.classes.filter(({ label }, column) => {
    const least = Math.min(SHOWN_ABOVE, thresholdOfLabel(label));
    return wanted.has(label) || peaks.some((one) => one[column] > least);
  });
  const known = new Set(scene.classes.map(({ label }) => label));
  const others = [...new Set((scene.events ?? []).map(({ label }) => label))].filter((label) => !known.has(label));
  const all = [...chosen, ...others.map((label) => ({ label, name: label.replaceAll("_", " "), masked: false }))];
  const tier = ({ label, masked }) => {
    if (masked) return 3;
    const column = scene.classes.findIndex((one) => one.label === label);
    return wanted.has(label) ? 0 : peaks.some((one) => one[column] > SURE_ABOVE) ? 1 : 2;
  };
  return all.sort((one, other) => tier(one) - tier(other));
}

/** Return [first, last] of the pseudo-labels among `systems`; null where there are fewer than two. */
export function pseudoPair(systems) {
  const pseudo = systems.filter(({ role }) => role === "pseudo");
  return pseudo.length > 1 ? [pseudo[0], pseudo[pseudo.length - 1]] : null;
}

/**
 * Return {rows, split, height}: rows {kind, top, height, label, system, ...} from top to bottom; those of the sound end
 * at `split`. `view` is {systems, classes, label, waveform, curves, narrow, extra}: `extra(label)` gives rows of others.
 */
export function layoutRows(scene, view) {
  const rows = [];
  let top = 0;
  const add = (kind, height, more = {}) => {
    rows.push({ kind, top, height, label: "", system: null, ...more });
    top += height;
  };
  add("ruler", HEIGHTS.ruler);
  add("spectrogram", view.narrow ? HEIGHTS.narrowSpectrogram : HEIGHTS.spectrogram);
  if (view.waveform) {
    top += GAP;
    add("waveform", HEIGHTS.waveform);
  }
  top += GAP;
  const split = top;
  const pair = pseudoPair(view.systems);
  if (!view.classes.length) add("empty", HEIGHTS.empty);
  for (const { label, name, masked } of view.classes) {
    add("heading", HEIGHTS.heading, { label, name, masked });
    const own = { label, masked };
    if (scene.events && !masked) add("reference", HEIGHTS.reference, own);
    for (const row of view.extra?.(label) ?? []) add(row.kind, row.height, { ...own, ...row });
    if (view.curves && view.systems.length && (!view.label || view.label === label)) {
      add("curve", view.label ? HEIGHTS.ownCurve : HEIGHTS.curve, own);
    }
    for (const system of view.systems) {
      const height = system.role === "soft" ? HEIGHTS.soft : view.curves ? HEIGHTS.barsOnly : HEIGHTS.system;
      add("system", height, { ...own, system: system.name });
    }
    if (pair) add("difference", HEIGHTS.difference, { ...own, system: pair[1].name, before: pair[0].name });
    top += GAP;
  }
  return { rows, split, height: top };
}

/** Return the row at `y`; null between rows, and on headings. */
export function rowAt(rows, y) {
  const found = rows.find((row) => y >= row.top && y < row.top + row.height);
  return found && !["heading", "empty", "ruler"].includes(found.kind) ? found : null;
}
