// Which detections of a class are right in a clip, and which events are found: by the rules of sed_scores_eval 0.0.4,
// which sedlab.scoring.metrics counts with. Collar-based: Mesaros et al. 2016; intersection-based: arXiv 1910.08440.

/** When a detection counts as right; seconds, and parts of a length. */
export const CRITERIA = {
  collar: { name: "boundaries within 0.2 s (collar F1)", onset: 0.2, offset: 0.2, offsetRate: 0.2 },
  psds1: { name: "70 % overlap (PSDS1)", dtc: 0.7, gtc: 0.7 },
  psds2: { name: "10 % overlap (PSDS2)", dtc: 0.1, gtc: 0.1 },
};
/** Soft labels above it are events (sedlab.labels.SOFT_THRESHOLD). */
const SURE_ENOUGH = 0.5;
const MICROSECONDS = 1e6;
const SLACK = 1e-5;

/** Return the events {onset, offset} of a class that detections are held against; null: its times are not known. */
export function truthOf(events, label) {
  const own = events.filter((event) => event.label === label && (event.confidence ?? 1) > SURE_ENOUGH);
  if (own.some(({ onset, offset }) => onset === null || offset === null)) return null;
  const sorted = own.filter(({ onset, offset }) => offset > onset).sort((a, b) => a.onset - b.onset || a.offset - b.offset);
  const joined = [];
  for (const { onset, offset } of sorted) {
    const last = joined[joined.length - 1];
    // A detection would match both of two that touch.
    if (last && onset <= last.offset) last.offset = Math.max(last.offset, offset);
    else joined.push({ onset, offset });
  }
  return joined;
}

/** Return {right: [bool] of detections, found: [bool] of events} by a criterion of CRITERIA. */
export function judged(detections, truth, criterion) {
  return criterion.dtc === undefined ? judgedByCollar(detections, truth, criterion) : judgedByOverlap(detections, truth, criterion);
}

function judgedByCollar(detections, truth, { onset, offset, offsetRate }) {
  const links = detections.map((one) => {
    const found = [];
    for (let e = firstFrom(truth, one.onset - onset - SLACK, "onset"); e < truth.length && truth[e].onset <= one.onset + onset + SLACK; e += 1) {
      const event = truth[e];
      const collar = Math.max(offset, offsetRate * (event.offset - event.onset));
      const close = rounded(Math.abs(one.onset - event.onset) - onset) <= 0 && rounded(Math.abs(one.offset - event.offset) - collar) <= 0;
      if (close) found.push(e);
    }
    return found;
  });
  const partners = matched(links, (d, e) => sharedPart(detections[d], truth[e]));
  const taken = new Set(partners);
  return { right: partners.map((partner) => partner >= 0), found: truth.map((_, e) => taken.has(e)) };
}

function judgedByOverlap(detections, truth, { dtc, gtc }) {
  const covered = new Float64Array(truth.length);
  const right = detections.map((one) => {
    let inside = 0;
    const first = firstFrom(truth, one.onset, "offset");
    let e = first;
    for (; e < truth.length && truth[e].onset < one.offset; e += 1) inside += overlap(one, truth[e]);
    const enough = rounded(inside) >= rounded(dtc * (one.offset - one.onset));
    if (enough) for (let at = first; at < e; at += 1) covered[at] += overlap(one, truth[at]);
    return enough;
  });
  return { right, found: truth.map((event, e) => rounded(covered[e]) >= rounded(gtc * (event.offset - event.onset))) };
}

/** Return the place of the first event whose `side` is not before `seconds`; events do not overlap and are in order. */
function firstFrom(events, seconds, side) {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (events[middle][side] < seconds) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Return for each row its column, or -1, where `links` has the columns each may have: one to one, as many as possible,
 * among these with the largest sum of `value(row, column)`, which is above 0 and at most 1, as find_errors pairs them.
 */
export function matched(links, value) {
  const partners = links.map(() => -1);
  const rowsOf = new Map();
  links.forEach((columns, row) => columns.forEach((column) => rowsOf.set(column, [...(rowsOf.get(column) ?? []), row])));
  const seen = new Set();
  for (const start of links.keys()) {
    if (seen.has(start) || !links[start].length) continue;
    // Rows that share a column, directly or by way of others, are decided together; they are few.
    const rows = [start];
    seen.add(start);
    for (const row of rows) {
      for (const other of links[row].flatMap((column) => rowsOf.get(column))) {
        if (!seen.has(other)) rows.push(other);
        seen.add(other);
      }
    }
    const best = bestPairs(rows, links, value);
    rows.forEach((row, place) => { partners[row] = best[place]; });
  }
  return partners;
}

/** Return the columns of the best pairs: the Hungarian method, by shortest augmenting paths (Jonker, Volgenant 1987). */
function bestPairs(rows, links, value) {
  const columns = [...new Set(rows.flatMap((row) => links[row]))];
  // One pair more outweighs whatever the others are worth; no pair costs nothing.
  const cost = rows.map((row) => columns.map((column) => (links[row].includes(column) ? -rows.length - value(row, column) : 0)));
  const width = Math.max(rows.length, columns.length);
  const price = { row: new Float64Array(rows.length), column: new Float64Array(width + 1) };
  const rowOf = new Int32Array(width + 1).fill(-1); // the last column is where a row stands that looks for one
  for (const start of rows.keys()) {
    const shortest = new Float64Array(width).fill(Infinity);
    const previous = new Int32Array(width).fill(width);
    const visited = new Uint8Array(width + 1);
    const path = [];
    let column = width;
    rowOf[width] = start;
    while (rowOf[column] >= 0) {
      visited[column] = 1;
      path.push(column);
      const row = rowOf[column];
      let next = -1;
      for (let other = 0; other < width; other += 1) {
        if (visited[other]) continue;
        const reduced = (cost[row][other] ?? 0) - price.row[row] - price.column[other];
        if (reduced < shortest[other]) { shortest[other] = reduced; previous[other] = column; }
        if (next < 0 || shortest[other] < shortest[next]) next = other;
      }
      const step = shortest[next];
      for (const other of path) { price.row[rowOf[other]] += step; price.column[other] -= step; }
      for (let other = 0; other < width; other += 1) if (!visited[other]) shortest[other] -= step;
      column = next;
    }
    while (column !== width) { rowOf[column] = rowOf[previous[column]]; column = previous[column]; }
  }
  const columnOf = new Map(columns.map((column, place) => [rowOf[place], column]));
  return rows.map((row, place) => (links[row].includes(columnOf.get(place)) ? columnOf.get(place) : -1));
}

function overlap(a, b) {
  return Math.max(0, Math.min(a.offset, b.offset) - Math.max(a.onset, b.onset));
}

/** Return the part of two events together that both share. */
function sharedPart(a, b) {
  const both = overlap(a, b);
  return both / (a.offset - a.onset + b.offset - b.onset - both);
}

/** Return times in whole microseconds, halves to even, as NumPy rounds: shorter differences are noise. */
function rounded(seconds) {
  const scaled = seconds * MICROSECONDS;
  const below = Math.floor(scaled);
  const rest = scaled - below;
  if (rest !== 0.5) return Math.round(scaled);
  return below % 2 ? below + 1 : below;
}
