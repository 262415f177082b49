// What a person can decide about in a clip, and what was decided: pure functions of plain values.

const SAME_SECONDS = 0.0015;
const SHORTEST_EVENT = 0.01;
/** Which of several items at one place is meant: what the queue asks about comes first. */
const RANK = ["suspect", "reference", "missed", "detection", "clip"];

const isNumber = (value) => Number.isFinite(value);
const sameSeconds = (one, other) => (isNumber(one) && isNumber(other) ? Math.abs(one - other) <= SAME_SECONDS : isNumber(one) === isNumber(other));

/** Say whether two items {what, system, label, onset, offset} are the same one. */
export function sameItem(one, other) {
  return Boolean(one && other) && one.what === other.what && (one.system ?? "") === (other.system ?? "")
    && one.label === other.label && sameSeconds(one.onset, other.onset) && sameSeconds(one.offset, other.offset);
}

/** Return the decision about an item; undefined: none yet. */
export function decisionAbout(decisions, item) {
  return decisions.find((one) => sameItem(one, item));
}

/** Return [onset, offset] of an item after its decision, or as it is being moved; nulls for one without times. */
export function timesAfter(item, decision, pending) {
  if (pending) return pending;
  if (decision?.decision === "moved") return [decision.newOnset, decision.newOffset];
  return [item.onset ?? null, item.offset ?? null];
}

/** Return the items of a clip from what people, systems, the queue and earlier decisions say, by time. */
export function itemsOf({ reference = [], detections = [], suspects = [], decisions = [] }) {
  const items = [
    ...suspects.map((event) => ({ what: "suspect", system: "", ...timed(event) })),
    ...reference.map((event) => ({ what: "reference", system: "", ...timed(event) })),
    ...detections.map((event) => ({ what: "detection", system: event.system, ...timed(event) })),
  ];
  // What was decided about stays an item, also where a threshold, or another queue, no longer shows it.
  for (const decision of decisions) {
    if (decision.what !== "clip" && !decisionAbout(items, decision)) {
      items.push({ what: decision.what, system: decision.system ?? "", ...timed(decision) });
    }
  }
  return items.sort((one, other) => (one.onset ?? 0) - (other.onset ?? 0) || RANK.indexOf(one.what) - RANK.indexOf(other.what));
}

const timed = ({ label, onset, offset }) => ({ label, onset: onset ?? null, offset: offset ?? null });

/** The clip itself as an item. */
export const CLIP_ITEM = { what: "clip", system: "", label: "", onset: null, offset: null };

/** Return the item that follows: among those of one system for a detection, else among labels, with the clip last. */
export function nextItem(items, chosen, by) {
  const ofSystem = chosen?.what === "detection";
  let list = items.filter(({ what, system }) => (ofSystem ? what === "detection" && system === chosen.system : what !== "detection"));
  if (!list.length) list = items;
  list = [...list, CLIP_ITEM];
  const place = list.findIndex((one) => sameItem(one, chosen));
  if (place < 0) return by > 0 ? list[0] : list[list.length - 1];
  return list[(place + by + list.length) % list.length];
}

/** Return the item that a focus {onset, offset, label} means: at its times, or the one that shares most with it. */
export function itemInFocus(items, focus) {
  const own = items.filter(({ label }) => label === focus?.label);
  if (!own.length) return null;
  const ranked = [...own].sort((one, other) => RANK.indexOf(one.what) - RANK.indexOf(other.what));
  const exact = ranked.find(({ onset, offset }) => sameSeconds(onset, focus.onset) && sameSeconds(offset, focus.offset));
  if (exact || !isNumber(focus.onset)) return exact ?? ranked[0];
  const shared = ({ onset, offset }) => Math.min(offset ?? Infinity, focus.offset) - Math.max(onset ?? 0, focus.onset);
  const best = ranked.reduce((one, other) => (shared(other) > shared(one) ? other : one));
  return shared(best) > 0 ? best : null;
}

/** Return the times with one edge (0: onset, 1: offset) at `seconds`, no shorter than 10 ms and inside the clip. */
export function withEdge(times, edge, seconds, duration) {
  const at = Math.round(seconds * 1000) / 1000;
  if (edge === 0) return [Math.max(0, Math.min(at, times[1] - SHORTEST_EVENT)), times[1]];
  return [times[0], Math.min(duration, Math.max(at, times[0] + SHORTEST_EVENT))];
}

/** Return what an item is, and what was decided, in words. */
export function itemInWords(item, decision, times, nameOf) {
  if (!item) return "Choose an event: press its bar, or j.";
  const where = isNumber(times[0]) ? `, ${times[0].toFixed(2)}–${times[1].toFixed(2)} s` : "";
  const about = { detection: item.system, reference: "reference", suspect: "suspect", missed: "missed by all", clip: "" }[item.what];
  const what = item.what === "clip" ? "The whole clip" : `${nameOf(item.label)}${where}${about ? `, ${about}` : ""}`;
  return `${what}: ${decision?.decision ?? "not decided"}`;
}
