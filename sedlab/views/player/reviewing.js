// Decisions about events: choose one, say right, wrong or unsure, drag its edges, note why. Python keeps them.

import { eventsOf, thresholdOf } from "./detections.js";
import { element } from "./element.js";
import { eventAt } from "./pointing.js";
import { makeReviewBar } from "./reviewbar.js";
import { decisionAbout, itemInFocus, itemInWords, itemsOf, nextItem, sameItem, timesAfter, withEdge } from "./reviewitems.js";
import { drawChosen, reviewRow, rowsOfItem } from "./reviewmarks.js";

const EDGE_PIXELS = 6;
const STEP_SECONDS = 0.01;
/** A move by keys is kept when no other follows for so long. */
const KEPT_AFTER_MS = 700;

/** Let a person decide about the events of the clip in view; `review` of the store is {} where nobody reviews. */
export function mountReview({ root, store, keys, surface, send, seek }) {
  let chosen = null;
  let home = null;
  let pending = null;
  let timer = 0;
  let dragged = null;
  let framed = null;

  const scene = () => store.get("scene");
  const review = () => store.get("review") ?? {};
  const isOn = () => Boolean(review().reviewer);
  const ofClip = (name) => (isOn() && review().key === scene()?.key ? review()[name] ?? [] : []);
  const decided = (item) => decisionAbout(ofClip("decisions"), item);
  const times = () => (chosen ? timesAfter(chosen, decided(chosen), pending) : [null, null]);
  const nameOf = (label) => scene()?.classes.find((one) => one.label === label)?.name ?? label.replaceAll("_", " ");
  const classes = () => (scene()?.classes ?? []).filter(({ label, masked }) => (review().classes ? review().classes.includes(label) : !masked));
  const focusPlayer = () => surface.area.closest(".sedlab-player")?.focus({ preventScroll: true });
  const canMove = () => Boolean(chosen) && Number.isFinite(times()[0]);

  function items() {
    const one = scene();
    if (!one) return [];
    const known = classes().map(({ label }) => label);
    const detections = surface.systemsShown(one).filter(({ role }) => role !== "soft").flatMap((system) => known.flatMap((label) =>
      eventsOf(system, label, thresholdOf(store, label), store.get("postprocess"), one.classes).map((event) => ({ ...event, label, system: system.name }))));
    const reference = (one.events ?? []).filter(({ label }) => known.includes(label));
    return itemsOf({ reference, detections, suspects: ofClip("suspects"), decisions: ofClip("decisions") });
  }

  function decide(decision, about = chosen, newTimes = null) {
    if (!isOn() || !about || !home) return false;
    const isMoved = newTimes && decision === "moved";
    const message = { type: "review", action: "decide", key: home, item: about, decision, note: controls.note.value.trim() };
    send(isMoved ? { ...message, newOnset: newTimes[0], newOffset: newTimes[1] } : message);
    return undefined;
  }

  /** Keep a move that waits to be kept. */
  function settle() {
    clearTimeout(timer);
    const moved = pending;
    pending = null;
    if (moved) decide("moved", chosen, moved);
  }

  function judge(decision) {
    if (!isOn()) return false;
    if (pending && decision === "right") { settle(); return undefined; }  // right where it is now
    clearTimeout(timer);
    pending = null;
    if (!chosen) choose(nextItem(items(), null, 1));
    return decide(decision);
  }

  function choose(item) {
    settle();
    [chosen, home] = [item, scene()?.key ?? null];
    controls.note.value = decided(item)?.note ?? "";
    if (classes().some(({ label }) => label === item?.label)) controls.label.value = item.label;
    show();
  }

  function step(by) {
    if (!isOn() || !scene()) return false;
    choose(nextItem(items(), chosen, by));
    if (Number.isFinite(chosen.onset)) seek(times()[0]);
    return undefined;
  }

  function move(edge, seconds) {
    pending = withEdge(times(), edge, seconds, scene().duration);
    show();
  }

  function nudge(edge, by) {
    if (!isOn() || !canMove()) return false;
    move(edge, times()[edge] + by * STEP_SECONDS);
    clearTimeout(timer);
    timer = setTimeout(settle, KEPT_AFTER_MS);
    return undefined;
  }

  function addMissed() {
    if (!isOn() || !scene()) return false;
    const [onset, offset] = store.get("selection");
    if (!Number.isFinite(offset) || offset - onset < STEP_SECONDS) {
      say("Drag over the event on the tracks first, then add it.");
      return undefined;
    }
    choose({ what: "missed", system: "", label: controls.label.value, onset, offset });
    return decide("right");
  }

  const undo = () => (isOn() ? send({ type: "review", action: "undo" }) : false);
  const goOn = () => (isOn() ? send({ type: "review", action: "next" }) : false);

  const controls = makeReviewBar(root, {
    judge, undo, goOn, nudge, addMissed,
    focusPlayer,
    writeNote(text) {
      const decision = decided(chosen);
      if (decision && (decision.note ?? "") !== text) decide(decision.decision, chosen, [decision.newOnset, decision.newOffset]);
    },
  });
  // Above the tracks, where it is seen however many rows there are.
  surface.area.parentElement.before(root);

  function say(text) { controls.said.textContent = text; }

  function show() {
    root.hidden = !isOn();
    const decision = chosen ? decided(chosen) : null;
    say(itemInWords(chosen, pending ? { decision: "moved" } : decision, times(), nameOf));
    for (const name of ["right", "wrong", "unsure"]) controls[name].setAttribute("aria-pressed", String(decision?.decision === name));
    for (const button of controls.edges) button.disabled = !canMove();
    controls.progress.textContent = review().progress ?? "";
    surface.redraw();
  }

  function fillClasses() {
    const known = classes();
    const before = store.get("label") || store.get("focus")?.label || controls.label.value;
    controls.label.replaceChildren(...known.map(({ label, name }) => element("option", { value: label }, name)));
    if (known.some(({ label }) => label === before)) controls.label.value = before;
  }

  /** Choose the case that is framed, in a clip that has just come; else keep what is chosen. */
  function follow() {
    const one = scene();
    if (!one || !isOn()) { show(); return; }
    const focus = store.get("focus") ?? {};
    const at = [focus.label, focus.onset, focus.offset, ofClip("suspects").length].join(" ");
    if (one.key !== framed?.key || at !== framed.at) {
      if (one.key !== framed?.key) { settle(); chosen = null; controls.note.value = ""; fillClasses(); }
      framed = { key: one.key, at };
      const found = focus.label ? itemInFocus(items(), focus) : null;
      if (found) choose(found);
    }
    if (chosen && !pending && document.activeElement !== controls.note) controls.note.value = decided(chosen)?.note ?? controls.note.value;
    show();
  }

  function rowsFor(one, label) {
    if (!isOn()) return [];
    const marks = () => {
      const found = [...ofClip("decisions"), ...ofClip("suspects").map((event) => ({ what: "suspect", system: "", ...event }))]
        .filter((mark, place, all) => mark.label === label && all.findIndex((other) => sameItem(other, mark)) === place)
        .map((mark) => {
          const isChosen = sameItem(mark, chosen);
          return { decision: mark.decision, times: timesAfter(mark, mark, isChosen ? pending : null), isChosen, isMoving: isChosen && Boolean(pending) };
        });
      const isNew = chosen?.label === label && !found.some(({ isChosen }) => isChosen);
      return isNew ? [...found, { times: times(), isChosen: true, isMoving: Boolean(pending) }] : found;
    };
    return marks().length ? [reviewRow(label, surface.axis().left < 60, marks)] : [];
  }

  function edgeAt(point) {
    if (!isOn() || !canMove() || !point.row || !rowsOfItem(surface.rows(), chosen).includes(point.row)) return -1;
    const away = times().map((seconds) => Math.abs(surface.axis().x(seconds) - point.x));
    const nearest = away[0] <= away[1] ? 0 : 1;
    return away[nearest] <= EDGE_PIXELS ? nearest : -1;
  }

  function itemAt(point) {
    if (!isOn() || !point.row?.label) return null;
    const { kind, label, system } = point.row;
    const found = kind === "review"
      ? items().filter((item) => item.label === label && (item.what === "suspect" || decided(item)))
      : items().filter((item) => item.label === label && item.what === (kind === "reference" ? "reference" : "detection") && (kind === "reference" || item.system === system));
    const at = (item) => (kind === "review" ? timesAfter(item, decided(item), null) : [item.onset, item.offset]);
    const within = found.filter((item) => at(item)[0] === null || (at(item)[0] <= point.seconds && point.seconds <= at(item)[1]));
    return within.length && (kind === "review" || kind === "reference" || eventAt(store, point)) ? within[0] : null;
  }

  const tool = {
    over: (point) => (edgeAt(point) >= 0 ? "ew-resize" : itemAt(point) ? "pointer" : null),
    start(point) {
      focusPlayer();
      const edge = edgeAt(point);
      if (edge >= 0) { dragged = { edge, from: times(), x: point.x }; return; }
      choose(itemAt(point));
      seek(point.seconds);
    },
    move(point) {
      if (dragged && (dragged.moved || Math.abs(point.x - dragged.x) > 2)) {
        dragged.moved = true;
        clearTimeout(timer);
        move(dragged.edge, point.seconds);
      }
    },
    end() { if (dragged?.moved) settle(); dragged = null; },
    cancel() { pending = null; dragged = null; show(); },
  };

  const group = "Decide";
  const bindings = [
    ["1", "right", () => judge("right")], ["2", "wrong", () => judge("wrong")], ["3", "unsure", () => judge("unsure")],
    ["u", "take the last decision back", undo],
    ["j", "next event of the clip, the clip itself last", () => step(1)], ["k", "event before", () => step(-1)],
    ["[", "onset 10 ms earlier", () => nudge(0, -1)], ["]", "onset 10 ms later", () => nudge(0, 1)],
    ["{", "offset 10 ms earlier", () => nudge(1, -1)], ["}", "offset 10 ms later", () => nudge(1, 1)],
    ["i", "write a note", () => { if (!isOn()) return false; controls.note.focus(); return undefined; }],
    ["a", "add what is selected as a missed event", addMissed], ["N", "next that is not decided", goOn],
  ];
  const ends = [
    ...bindings.map(([key, what, run]) => keys.add({ keys: [key], what, group, run })),
    surface.addRows({ rows: rowsFor }),
    surface.addLayer({ draw: (ctx, axis, rows, theme) => { if (isOn()) drawChosen(ctx, axis, rows, chosen, times(), canMove(), theme); } }),
    surface.addTool(tool),
    store.on("scene review focus", follow),
  ];
  follow();
  return () => { clearTimeout(timer); for (const end of ends) end(); };
}
