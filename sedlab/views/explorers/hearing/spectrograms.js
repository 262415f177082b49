// The browser's half of SpectrogramViewer: puts controls, pictures and sounds together.

import { panned, zoomed } from "../../player/axis.js";
import { onTheme } from "../../player/colours.js";
import { element } from "../../player/element.js";
import { groupedKeys } from "../../player/help.js";
import { makeKeys } from "../../player/keys.js";
import { mountControls } from "./controls.js";
import { makePainter } from "./painter.js";
import { cellOf, shownValue } from "./pictures.js";

const TRAITS = "queue key start augmentation strength seed side drawn choices".split(" ");

/** Return a message of Python with bytes in the place of its buffers. */
export function unpackView(content, buffers) {
  const bytes = (place) => place && new Uint8Array(buffers[place.buffer].buffer, buffers[place.buffer].byteOffset, buffers[place.buffer].byteLength);
  const sounds = { ...content.sounds, before: bytes(content.sounds.before), after: bytes(content.sounds.after) };
  return { ...content, sounds, panels: content.panels.map((panel) => ({ ...panel, before: bytes(panel.before), after: bytes(panel.after) })) };
}

function render({ model, el }) {
  const root = element("div", { class: "sedlab-hearing", tabindex: "0", role: "group", "aria-label": "Spectrogram viewer", "data-lm-suppress-shortcuts": "true" });
  const controlsRoot = element("div", {});
  const canvas = element("canvas", { role: "img" });
  const head = element("div", { class: "playhead", hidden: true });
  const area = element("div", { class: "area" }, canvas, head);
  const hover = element("div", { class: "hover" }, "\u00a0");
  const players = Object.fromEntries(["before", "after"].map((side) => [side, element("audio", { controls: true, "aria-label": `Sound, ${side}` })]));
  const names = Object.fromEntries(["before", "after"].map((side) => [side, element("span", {})]));
  const rows = Object.fromEntries(["before", "after"].map((side) => [side, element("div", { class: "player" }, names[side], players[side])]));
  const silent = element("div", { class: "told" });
  const keysList = element("div", { class: "help", role: "region", "aria-label": "Keys of the viewer", hidden: true });
  const keysButton = element("button", { type: "button", "aria-label": "Keys (?)", title: "Keys (?)", "aria-expanded": "false", onclick: () => help() }, "?");
  root.append(controlsRoot, area, hover, rows.before, rows.after, silent, keysButton, keysList);
  el.append(root);

  const set = (changes) => { for (const [name, value] of Object.entries(changes)) model.set(name, value); model.save_changes(); };
  const controls = mountControls({ root: controlsRoot, model, set });
  const painter = makePainter(canvas, root);
  const keys = makeKeys(root);
  let view = null;
  let span = [0, 10];
  let pending = 0;
  const urls = {};

  const redraw = () => { pending ||= requestAnimationFrame(() => { pending = 0; if (view) painter.paint({ view, side: model.get("side"), span }); playhead(); }); };
  const look = (changed) => { span = changed; redraw(); };

  function show() {
    controls.show(view);
    canvas.setAttribute("aria-label", view?.panels.length
      ? `Spectrograms of ${model.get("key")} as ${view.panels.map(({ name }) => name).join(", ")} hear it, ${model.get("side")}. ${model.get("drawn")}`
      : "No spectrograms");
    redraw();
  }

  function receive(content, buffers) {
    if (content.type !== "view") return;
    view = unpackView(content, buffers);
    painter.forget();
    for (const side of ["before", "after"]) {
      const sound = view.sounds[side];
      rows[side].hidden = !sound;
      URL.revokeObjectURL(urls[side]);
      players[side].src = urls[side] = sound ? URL.createObjectURL(new Blob([sound], { type: "audio/wav" })) : "";
      if (!sound) players[side].removeAttribute("src");
    }
    names.before.textContent = "before";
    names.after.textContent = view.sounds.exact ? "after" : "after, nearly: features are changed, here the same is done to the sound";
    silent.textContent = view.changed && !view.sounds.after ? "This one acts on features: there is no sound of it." : "";
    show();
  }

  function playhead() {
    const playing = Object.values(players).find((player) => !player.paused);
    const axis = painter.axis();
    head.hidden = !playing || !axis;
    if (head.hidden) return;
    head.style.transform = `translateX(${axis.x(playing.currentTime)}px)`;
    head.style.height = `${painter.depth()}px`;
    requestAnimationFrame(playhead);
  }

  function onPlay(event) {
    for (const player of Object.values(players)) if (player !== event.target) player.pause();
    playhead();
  }

  function press() {
    const side = model.get("side") === "before" || !view?.sounds.after ? "before" : "after";
    const player = Object.values(players).find((one) => !one.paused) ?? players[side];
    if (!player.paused) player.pause();
    else if (player.src) player.play().catch((error) => { silent.textContent = `The browser plays no sound: ${error.message}`; });
  }

  function tell(event) {
    const box = canvas.getBoundingClientRect();
    const point = painter.at(event.clientX - box.left, event.clientY - box.top);
    const side = model.get("side");
    const cell = point && cellOf(point.row.panel, point.row.panel.edges[side === "after" ? 1 : 0], point.seconds, point.hz);
    hover.textContent = cell
      ? `${point.row.panel.name}: ${point.seconds.toFixed(2)} s, ${Math.round(point.hz)} Hz, ${side} ${shownValue(point.row.panel, side, cell).toFixed(2)}`
      : "\u00a0";
  }

  function onWheel(event) {
    const axis = painter.axis();
    if (!event.ctrlKey || !axis) return;
    event.preventDefault();
    const x = event.clientX - canvas.getBoundingClientRect().left;
    look(zoomed(span, 1.003 ** event.deltaY, axis.seconds(x), view.seconds));
  }

  function help(open = keysList.hidden) {
    keysList.hidden = !open;
    keysButton.setAttribute("aria-expanded", String(open));
    const list = groupedKeys(keys.list()).flatMap(([, bindings]) => bindings);
    keysList.replaceChildren(element("dl", {}, ...list.flatMap(([key, what]) => [element("dt", {}, key), element("dd", {}, what)])));
  }

  const middle = () => (span[0] + span[1]) / 2;
  for (const [pressed, what, run] of [
    [["n"], "next sound", () => controls.step(1)], [["p"], "previous sound", () => controls.step(-1)],
    [[" "], "play, pause", press], [["a"], "before, after, difference", controls.turnSide], [["d"], "draw again", controls.draw],
    [["+", "="], "zoom in", () => look(zoomed(span, 0.6, middle(), view.seconds))],
    [["-"], "zoom out", () => look(zoomed(span, 1 / 0.6, middle(), view.seconds))],
    [["0"], "the whole clip", () => look([0, view.seconds])],
    [["ArrowLeft"], "move to the left", () => look(panned(span, -(span[1] - span[0]) / 4, view.seconds))],
    [["ArrowRight"], "move to the right", () => look(panned(span, (span[1] - span[0]) / 4, view.seconds))],
    [["?"], "this list", () => help()], [["Escape"], "close this list", () => (keysList.hidden ? false : help(false))],
  ]) keys.add({ keys: pressed, what, run });

  canvas.addEventListener("pointermove", tell);
  canvas.addEventListener("wheel", onWheel, { passive: false });
  for (const player of Object.values(players)) player.addEventListener("play", onPlay);
  const offTheme = onTheme(redraw);
  const observer = new ResizeObserver(redraw);
  observer.observe(area);
  const changes = TRAITS.map((name) => `change:${name}`).join(" ");
  model.on(changes, show);
  model.on("msg:custom", receive);
  show();
  model.send({ type: "ready" });
  return () => {
    model.off(changes, show);
    model.off("msg:custom", receive);
    offTheme(); observer.disconnect(); keys.dispose(); cancelAnimationFrame(pending);
    for (const url of Object.values(urls)) URL.revokeObjectURL(url);
  };
}

export default { render };
