// The buttons above the tracks, and the keys that do the same.

import { timeText } from "./axis.js";
import { element } from "./element.js";

const SEEK_SECONDS = 0.5;
const SPEEDS = [0.5, 0.6, 0.75, 0.9, 1, 1.25, 1.5, 1.75, 2];
const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  play: "M4 2 L14 8 L4 14 Z", pause: "M3 2 H7 V14 H3 Z M9 2 H13 V14 H9 Z",
  previous: "M3 2 H5 V14 H3 Z M13 2 L6 8 L13 14 Z", next: "M11 2 H13 V14 H11 Z M3 2 L10 8 L3 14 Z",
  loop: "M3 7 A5 5 0 0 1 12 4 L13.5 2.5 V7 H9 L10.6 5.4 A3 3 0 0 0 5 7 Z M13 9 A5 5 0 0 1 4 12 L2.5 13.5 V9 H7 L5.4 10.6 A3 3 0 0 0 11 9 Z",
  closer: "M7 3 H9 V7 H13 V9 H9 V13 H7 V9 H3 V7 H7 Z", wider: "M3 7 H13 V9 H3 Z",
  fit: "M1 2 H3 V14 H1 Z M13 2 H15 V14 H13 Z M4 8 L7 5 V7 H9 V5 L12 8 L9 11 V9 H7 V11 Z",
};

function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 16 16", width: 14, height: 14, "aria-hidden": "true" })) svg.setAttribute(key, value);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  path.setAttribute("fill", "currentColor");
  svg.append(path);
  return svg;
}

/** Return a button with an icon or a word on it; `name` is what it is called, `key` the key that does the same. */
export function iconButton(face, name, key, run, more = {}) {
  const title = key ? `${name} (${key})` : name;
  return element("button", { type: "button", title, "aria-label": title, onclick: run, ...more }, ICONS[face] ? icon(face) : face);
}

/** Return the next speed up (1) or down (-1) of those that can be chosen. */
export function nextSpeed(speed, direction) {
  const others = direction > 0 ? SPEEDS.filter((one) => one > speed) : SPEEDS.filter((one) => one < speed).reverse();
  return others[0] ?? speed;
}

/** Put the buttons into `bar`, add their keys; `zoom` has the functions that move what is shown. */
export function mountTransport({ bar, store, keys, sound, zoom, step }) {
  const flip = (name) => store.set({ [name]: !store.get(name) });
  const clear = () => {
    if (!store.get("selection").length && !Object.keys(store.get("focus")).length) return false;
    store.set({ selection: [], focus: {} });
    return true;
  };
  const back = (event) => (event.shiftKey ? zoom.pan(-0.25) : sound.seek(store.get("playhead") - SEEK_SECONDS));
  const on = (event) => (event.shiftKey ? zoom.pan(0.25) : sound.seek(store.get("playhead") + SEEK_SECONDS));
  const speedBy = (direction) => store.set({ speed: nextSpeed(store.get("speed"), direction) });
  const bindings = [
    [[" "], "play or pause", sound.toggle],
    [["ArrowLeft"], "half a second back; with Shift: scroll back", back],
    [["ArrowRight"], "half a second on; with Shift: scroll on", on],
    [["Home"], "to the start", () => sound.seek(0)],
    [["End"], "to the end", () => sound.seek(store.get("scene")?.duration ?? 0)],
    [["l"], "loop the selection, or not", () => flip("looping")],
    [["Escape"], "clear selection and frame", clear],
    [[","], "slower", () => speedBy(-1)],
    [["."], "faster", () => speedBy(1)],
    [["m"], "sound off, or on", () => store.set({ volume: store.get("volume") ? 0 : 1 })],
    [["n"], "next clip", () => step(1)],
    [["p"], "previous clip", () => step(-1)],
  ];
  for (const [pressed, what, run] of bindings) keys.add({ keys: pressed, what, group: "Listen", run });
  keys.add({ keys: ["w"], what: "waveform, or not", group: "Look", run: () => flip("waveform") });
  keys.add({ keys: ["c"], what: "scores as curves or as strips", group: "Look", run: () => flip("curves") });

  const play = iconButton("play", "Play", "space", sound.toggle, { class: "play" });
  const loop = iconButton("loop", "Loop the selection", "l", () => flip("looping"));
  const waveform = iconButton("Waveform", "Waveform", "w", () => flip("waveform"));
  const curves = iconButton("Curves", "Scores as curves", "c", () => flip("curves"));
  const time = element("span", { class: "time" });
  const speed = element("select", { "aria-label": "Speed", title: "Speed (, and .); the pitch is kept", onchange: () => store.set({ speed: Number(speed.value) }) },
    ...SPEEDS.map((one) => element("option", { value: one }, `${one}×`)));
  const volume = element("input", { type: "range", min: 0, max: 1, step: 0.05, "aria-label": "Volume", title: "Volume (m: off)", oninput: () => store.set({ volume: Number(volume.value) }) });
  const previous = iconButton("previous", "Previous clip", "p", () => step(-1));
  const next = iconButton("next", "Next clip", "n", () => step(1));
  bar.append(
    element("span", { class: "set" }, previous, play, next, loop), time,
    element("span", { class: "set" }, speed, volume),
    element("span", { class: "set" }, iconButton("wider", "Wider in time", "-", zoom.wider), iconButton("closer", "Closer in time", "+", zoom.closer), iconButton("fit", "Whole clip", "0", zoom.fit)),
    element("span", { class: "set" }, waveform, curves),
  );

  function showPlaying() {
    const playing = Boolean(store.get("playing"));
    play.replaceChildren(icon(playing ? "pause" : "play"));
    play.title = playing ? "Pause (space)" : "Play (space)";
    play.setAttribute("aria-label", play.title);
  }
  function showTime() {
    const duration = store.get("scene")?.duration ?? 0;
    const long = duration >= 120;
    time.textContent = `${timeText(store.get("playhead"), 0.01, long)} / ${timeText(duration, 0.01, long)} s`;
  }
  function showState() {
    for (const [button, name] of [[loop, "looping"], [waveform, "waveform"], [curves, "curves"]]) button.setAttribute("aria-pressed", String(Boolean(store.get(name))));
    speed.value = String(store.get("speed"));
    volume.value = String(store.get("volume"));
  }
  function showQueue() {
    const queue = store.get("queue");
    const place = queue.indexOf(store.get("key"));
    previous.hidden = next.hidden = queue.length < 2;
    previous.disabled = place <= 0;
    next.disabled = place >= queue.length - 1;
  }
  const offs = [
    store.on("playing", showPlaying), store.on("playhead scene", showTime),
    store.on("looping waveform curves speed volume", showState), store.on("queue key", showQueue),
  ];
  [showPlaying, showTime, showState, showQueue].forEach((show) => show());
  return () => offs.forEach((off) => off());
}
