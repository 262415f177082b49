// Counts of a whole subset at any threshold, as Python packs them (thresholds.py), and what follows from counts.

/** Return {clips, hours, criteria: {name: {label: {thresholds, hits, falseAlarms, events}}}, best} of a message. */
export function unpackCounts(message, buffers) {
  const bytes = (view) => view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  const [thresholds, hits, falseAlarms] = [new Float64Array(bytes(buffers[0])), new Int32Array(bytes(buffers[1])), new Int32Array(bytes(buffers[2]))];
  const criteria = {};
  for (const [name, label, from, to, events] of message.blocks) {
    (criteria[name] ??= {})[label] = {
      thresholds: thresholds.subarray(from, to), hits: hits.subarray(from, to), falseAlarms: falseAlarms.subarray(from, to), events,
    };
  }
  return { clips: message.clips, hours: message.hours, best: message.best, criteria };
}

/** Return {hits, falseAlarms, events} of a class: the entry beside the first threshold above, none beyond the last. */
export function countsAt(steps, threshold) {
  let low = 0;
  let high = steps.thresholds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps.thresholds[middle] > threshold) high = middle;
    else low = middle + 1;
  }
  const beyond = low === steps.thresholds.length;
  return { hits: beyond ? 0 : steps.hits[low], falseAlarms: beyond ? 0 : steps.falseAlarms[low], events: steps.events };
}

/** Return F1 of counts; NaN without event. */
export function f1Of({ hits, falseAlarms, events }) {
  return events ? 2 * hits / (hits + falseAlarms + events) : NaN;
}

/** Return counts and rates of one class, or of all (label "") with the mean F1 of those with events; null: not counted. */
export function subsetAt(counts, criterion, label, thresholdOfLabel) {
  const steps = counts.criteria[criterion] ?? {};
  const labels = label ? [label].filter((one) => steps[one]) : Object.keys(steps);
  if (!labels.length) return null;
  const each = labels.map((one) => countsAt(steps[one], thresholdOfLabel(one)));
  const sum = (name) => each.reduce((total, one) => total + one[name], 0);
  const scores = each.map(f1Of).filter((one) => !Number.isNaN(one));
  return {
    ...ratesOf({ hits: sum("hits"), falseAlarms: sum("falseAlarms"), events: sum("events") }, counts.hours),
    f1: scores.length ? scores.reduce((total, one) => total + one, 0) / scores.length : NaN,
  };
}

/** Return counts with misses, precision, recall and false alarms an hour. */
export function ratesOf({ hits, falseAlarms, events }, hours) {
  return {
    hits, falseAlarms, misses: events - hits,
    precision: hits + falseAlarms ? hits / (hits + falseAlarms) : NaN,
    recall: events ? hits / events : NaN,
    hourly: hours ? falseAlarms / hours : NaN,
  };
}
