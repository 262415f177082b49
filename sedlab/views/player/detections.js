// From scores and a threshold to events, as Python makes them (postprocess/decode.py).

/** Return the threshold of a class: its own, or that of all. */
export function thresholdOf(store, label) {
  return store.get("thresholds")[label] ?? store.get("threshold");
}

/** Return the events {onset, offset, label} of a class that a system detects above `threshold`. */
export function eventsOf(system, label, threshold, way, classes) {
  if (way === "boxes" && system.boxes) {
    return system.boxes.filter((box) => box.label === label && box.confidence > threshold);
  }
  const scores = (way === "median" && system.ways.median) || system.ways.none;
  const column = classes.findIndex((one) => one.label === label);
  const width = classes.length;
  const events = [];
  let start = -1;
  for (let frame = 0; frame <= system.frames; frame += 1) {
    const active = frame < system.frames && scores[frame * width + column] > threshold;
    if (active && start < 0) start = frame;
    if (!active && start >= 0) {
      events.push({ onset: system.times[start], offset: system.times[frame], label });
      start = -1;
    }
  }
  return events;
}
