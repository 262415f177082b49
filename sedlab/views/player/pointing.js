// Mouse, pen and finger on the tracks: press to seek, drag to select, wheel and pinch to zoom.

import { panned, shownSpan, spanTrait, zoomed } from "./axis.js";
import { eventsOf, thresholdOf } from "./detections.js";
import { pannedBand, zoomedBand } from "./frequency.js";

const DRAG_PIXELS = 4;
const ZOOM_A_PIXEL = 0.0025;
const LINE_PIXELS = 16;

/**
 * Return what a turn of the wheel means: {zoom}, {band}, {pan} with a factor or a number of pixels; null: it is the page's.
 *
 * As in Audacity and Sonic Visualiser, ctrl zooms and shift scrolls sideways; over a scale the wheel zooms that scale.
 */
export function wheelMeaning(event, place, isWhole) {
  const unit = event.deltaMode ? LINE_PIXELS : 1;
  const deltaX = event.deltaX * unit;
  const deltaY = event.deltaY * unit;
  const factor = Math.exp(Math.max(-200, Math.min(200, deltaY || deltaX)) * ZOOM_A_PIXEL);
  const withControl = event.ctrlKey || event.metaKey;
  if ((withControl && event.shiftKey) || (place === "hertz" && !event.shiftKey)) return { band: factor };
  if (withControl || (place === "ruler" && !event.shiftKey)) return { zoom: factor };
  const sideways = Math.abs(deltaX) > Math.abs(deltaY) ? deltaX : event.shiftKey ? deltaY : 0;
  return sideways && !isWhole ? { pan: sideways } : null;
}

/** Return {onset, offset} of the event under a point: of the reference, or as a system detects it; null: none. */
export function eventAt(store, point) {
  const scene = store.get("scene");
  if (!scene || !point.row?.label) return null;
  const { kind, label, system } = point.row;
  let events = [];
  if (kind === "reference") events = (scene.events ?? []).filter((event) => event.label === label);
  if (kind === "system") {
    const named = scene.systems.find(({ name }) => name === system);
    events = eventsOf(named, label, thresholdOf(store, label), store.get("postprocess"), scene.classes);
  }
  return events.find(({ onset, offset }) => onset !== null && onset <= point.seconds && point.seconds < offset) ?? null;
}

/** Let a person point at the tracks; returns a function that ends it. */
export function mountPointing({ store, surface, focusRoot, seek }) {
  let from = null;
  const duration = () => store.get("scene")?.duration ?? 0;
  const span = () => shownSpan(store.get("span"), duration());
  const inside = (seconds) => Math.max(span()[0], Math.min(seconds, span()[1]));
  const setSpan = (next) => store.set({ span: spanTrait(next, duration()) });

  const tool = {
    over: (point) => (point.x >= surface.axis().left - 4 ? "crosshair" : null),
    start(point) {
      focusRoot();
      from = { x: point.x, seconds: inside(point.seconds), before: store.get("selection") };
    },
    move(point) {
      if (!from || (!from.dragged && Math.abs(point.x - from.x) < DRAG_PIXELS)) return;
      from.dragged = true;
      const ends = [from.seconds, inside(point.seconds)].sort((a, b) => a - b);
      store.set({ selection: ends.map((seconds) => Math.round(seconds * 1e4) / 1e4) });
    },
    end(point) {
      if (!from) return;
      const selection = store.get("selection");
      if (from.dragged) {
        if (selection.length) seek(selection[0]);
      } else {
        const seconds = inside(point.seconds);
        if (selection.length && (seconds < selection[0] || seconds > selection[1])) store.set({ selection: [] });
        seek(seconds);
      }
      from = null;
    },
    cancel() {
      if (from?.dragged) store.set({ selection: from.before });
      from = null;
    },
  };

  function zoomBand(factor, hz) {
    const scene = store.get("scene");
    if (scene?.mel) store.set({ band: zoomedBand(surface.bandShown(scene), factor, hz, scene.mel.maxHz) });
  }

  function onWheel(event) {
    if (!duration()) return;
    const point = surface.pointOf(event);
    const atLeft = point.x < surface.axis().left;
    const place = point.row?.kind === "spectrogram" && atLeft ? "hertz" : point.y < surface.rows()[0]?.height ? "ruler" : "";
    const meaning = wheelMeaning(event, place, !store.get("span").length);
    if (!meaning) return;
    event.preventDefault();
    if (meaning.zoom) setSpan(zoomed(span(), meaning.zoom, inside(point.seconds), duration()));
    else if (meaning.band) zoomBand(meaning.band, point.hz ?? 0);
    else {
      const { left, right } = surface.axis();
      setSpan(panned(span(), meaning.pan * (span()[1] - span()[0]) / (right - left), duration()));
    }
  }

  function onDoubleClick(event) {
    const found = eventAt(store, surface.pointOf(event));
    if (found) store.set({ selection: [found.onset, found.offset], looping: true });
  }

  // Two fingers: what is between them stays between them.
  const fingers = new Map();
  let pinch = null;
  function onDown(event) {
    if (event.pointerType !== "touch") return;
    fingers.set(event.pointerId, event.clientX);
    if (fingers.size !== 2) return;
    surface.cancel();
    const left = surface.canvas.getBoundingClientRect().left;
    pinch = [...fingers.values()].map((x) => surface.axis().seconds(x - left)).sort((a, b) => a - b);
  }
  function onMove(event) {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, event.clientX);
    if (!pinch || fingers.size !== 2) return;
    const left = surface.canvas.getBoundingClientRect().left;
    const [a, b] = [...fingers.values()].map((x) => x - left).sort((one, other) => one - other);
    if (b - a < 10) return;
    const perPixel = Math.max((pinch[1] - pinch[0]) / (b - a), 1e-5);
    const start = pinch[0] - (a - surface.axis().left) * perPixel;
    setSpan([start, start + (surface.axis().right - surface.axis().left) * perPixel]);
  }
  function onUp(event) {
    fingers.delete(event.pointerId);
    if (fingers.size < 2) pinch = null;
  }

  const drop = surface.addTool(tool);
  const listeners = { wheel: onWheel, dblclick: onDoubleClick, pointerdown: onDown, pointermove: onMove, pointerup: onUp, pointercancel: onUp };
  for (const [name, listener] of Object.entries(listeners)) surface.canvas.addEventListener(name, listener, { passive: false });
  return () => {
    drop();
    for (const [name, listener] of Object.entries(listeners)) surface.canvas.removeEventListener(name, listener);
  };
}

/** Add the keys that move what is shown; returns the functions by name, for buttons. */
export function addZoomKeys({ store, keys, surface }) {
  const group = "Zoom";
  const duration = () => store.get("scene")?.duration ?? 0;
  const span = () => shownSpan(store.get("span"), duration());
  const set = (next) => { if (duration()) store.set({ span: spanTrait(next, duration()) }); };
  const middle = () => {
    const [from, to] = span();
    const at = store.get("playhead");
    return at >= from && at <= to ? at : (from + to) / 2;
  };
  const withBand = (change) => {
    const scene = store.get("scene");
    if (scene?.mel) store.set({ band: change(surface.bandShown(scene), scene.mel.maxHz) });
  };
  const acts = {
    closer: () => set(zoomed(span(), 0.5, middle(), duration())),
    wider: () => set(zoomed(span(), 2, middle(), duration())),
    fit: () => store.set({ span: [], band: [] }),
    toSelection: () => set(store.get("selection").length ? store.get("selection") : span()),
    pan: (part) => set(panned(span(), part * (span()[1] - span()[0]), duration())),
    lower: () => withBand((band, most) => zoomedBand(band, 0.6, band[0], most)),
    fuller: () => withBand((band, most) => zoomedBand(band, 1 / 0.6, band[0], most)),
    bandUp: (part) => withBand((band, most) => (band[1] - band[0] < most ? pannedBand(band, part, most) : [])),
  };
  keys.add({ keys: ["+", "="], what: "closer in time, around the playhead", group, run: acts.closer });
  keys.add({ keys: ["-"], what: "wider in time", group, run: acts.wider });
  keys.add({ keys: ["0"], what: "whole clip, all frequencies", group, run: acts.fit });
  keys.add({ keys: ["z"], what: "zoom to the selection", group, run: acts.toSelection });
  keys.add({ keys: ["ArrowUp"], what: "fewer frequencies, the lower ones; with Shift: higher ones", group, run: (event) => (event.shiftKey ? acts.bandUp(0.25) : acts.lower()) });
  keys.add({ keys: ["ArrowDown"], what: "more frequencies; with Shift: lower ones", group, run: (event) => (event.shiftKey ? acts.bandUp(-0.25) : acts.fuller()) });
  return acts;
}
