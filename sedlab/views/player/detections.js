// From scores and a threshold to events, as Python makes them (postprocess/decode.py, postprocess/csebbs.py).

const massBySystem = new WeakMap();

/** Return the threshold of a class: its own, or that of all. */
export function thresholdOf(store, label) {
  return store.get("thresholds")[label] ?? store.get("threshold");
}

/** Return the events {onset, offset, label} of a class that a system detects above `threshold`; of boxes with confidence. */
export function eventsOf(system, label, threshold, way, classes) {
  if (way === "boxes" && system.boxes) {
    return system.boxes.filter((box) => box.label === label && box.confidence > threshold);
  }
  const scores = (way === "median" && system.ways.median) || system.ways.none;
  const column = classes.findIndex((one) => one.label === label);
  const width = classes.length;
  const events = [];
  if (column < 0) return events;
  let start = -1;
  for (let frame = 0; frame <= system.frames; frame += 1) {
    const active = frame < system.frames && scores[frame * width + column] > threshold;
    if (active && start < 0) start = frame;
    if (!active && start >= 0) {
      events.push({ onset: system.times[start], offset: system.times[frame], label, start, stop: frame });
      start = -1;
    }
  }
  return events;
}

/** Return the events of a class with their confidence: the mean score, weighted by duration; of boxes their own. */
export function sureEventsOf(system, label, threshold, way, classes) {
  const events = eventsOf(system, label, threshold, way, classes);
  if (way === "boxes" && system.boxes) return events;
  const mass = massOf(system, way, classes.length);
  const column = classes.findIndex((one) => one.label === label);
  const width = classes.length;
  return events.map(({ onset, offset, start, stop }) => ({
    onset, offset, label,
    confidence: (mass[stop * width + column] - mass[start * width + column]) / (offset - onset),
  }));
}

/** Return the events of all classes that a system detects, by onset, then in the order of the classes. */
export function allEventsOf(system, classes, thresholdOfLabel, way) {
  const events = classes.flatMap(({ label }) => sureEventsOf(system, label, thresholdOfLabel(label), way, classes));
  return events.sort((a, b) => a.onset - b.onset);
}

/** Return the running sum of scores times seconds, (frames + 1, classes) row by row; remembered. */
function massOf(system, way, width) {
  const kept = massBySystem.get(system) ?? {};
  massBySystem.set(system, kept);
  if (kept[way]) return kept[way];
  const scores = (way === "median" && system.ways.median) || system.ways.none;
  const mass = new Float64Array((system.frames + 1) * width);
  for (let at = 0; at < system.frames * width; at += 1) {
    const frame = Math.floor(at / width);
    mass[at + width] = mass[at] + scores[at] * (system.times[frame + 1] - system.times[frame]);
  }
  kept[way] = mass;
  return mass;
}
