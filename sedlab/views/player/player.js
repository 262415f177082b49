// The browser's half of ClipPlayer: puts its parts together.

import { makeCache } from "./cache.js";
import { element } from "./element.js";
import { mountExporting } from "./exporting.js";
import { mountHelp } from "./help.js";
import { makeKeys } from "./keys.js";
import { mountLegend } from "./legend.js";
import { mountOverlay } from "./overlay.js";
import { makeSound } from "./playing.js";
import { addZoomKeys, mountPointing } from "./pointing.js";
import { mountSaying } from "./saying.js";
import { mountReview } from "./reviewing.js";
import { unpack } from "./scene.js";
import { makeStore } from "./store.js";
import { makeSurface } from "./surface.js";
import { mountThreshold } from "./threshold.js";
import { mountTransport } from "./transport.js";

/** What a person sets in the browser alone. */
const SETTINGS = {
  scene: null, failure: null, hover: null, criterion: "collar", playing: false, looping: true, silent: "",
};
/** Parts of others: each gets an element of its own below the tracks, and returns what takes it away. */
const PARTS = { threshold: mountThreshold, review: mountReview, exporting: mountExporting };

function render({ model, el }) {
  const root = element("div", {
    tabindex: "0", role: "group", class: "sedlab-player", "aria-label": "Clip player",
    // JupyterLab would take "n" or space for a command of its own.
    "data-lm-suppress-shortcuts": "true",
  });
  // Its own commands reach a button or a slider in the root that has the focus, too.
  root.addEventListener("focusin", ({ target }) => target.setAttribute("data-lm-suppress-shortcuts", "true"));
  const place = (name) => root.appendChild(element("div", { class: name }));
  const [head, bar, tracks, legend] = ["head", "bar", "tracks", "legend"].map(place);
  const own = Object.fromEntries(Object.keys(PARTS).map((name) => [name, place(name)]));
  const [keysList, foot] = ["keys", "foot"].map(place);
  el.append(root);

  const store = makeStore(model);
  store.set(SETTINGS);
  const send = (message, buffers) => model.send(message, undefined, buffers);
  const keys = makeKeys(root);
  const surface = makeSurface(tracks, store);
  const sound = makeSound(root, store);
  const { seek } = sound;
  const focusRoot = () => root.focus({ preventScroll: true });

  function step(by) {
    const queue = store.get("queue");
    const next = queue[queue.indexOf(store.get("key")) + by];
    if (next !== undefined) store.set({ key: next, span: [], selection: [], focus: {} });
  }

  const zoom = addZoomKeys({ store, keys, surface });
  const ends = [
    mountTransport({ bar, store, keys, sound, zoom, step }),
    mountSaying({ root, canvas: surface.canvas, head, foot, store, surface }),
    mountLegend({ root: legend, store, surface }),
    mountPointing({ store, surface, focusRoot, seek }),
    mountOverlay({ store, surface, seek }),
    mountHelp({ root: keysList, bar, keys }),
  ];
  for (const [name, mount] of Object.entries(PARTS)) {
    ends.push(mount({ root: own[name], store, model, keys, surface, send, seek, sound, step }));
  }

  const early = () => model.get("early") ?? {};
  const cache = makeCache({ store, send, expected: early().key });
  function takeEarly() {
    const { key, version, scene, buffers } = early();
    if (scene) cache.receive({ version }, unpack(scene, buffers));
    else if (!key) cache.doubt();
  }
  function onMessage(message, buffers) {
    if (message.type === "scene") cache.receive(message, unpack(message.scene, buffers));
    else if (message.type === "failed") cache.receive(message, null);
  }
  model.on("msg:custom", onMessage);
  model.on("change:early", takeEarly);
  takeEarly();

  return () => {
    model.off("msg:custom", onMessage);
    model.off("change:early", takeEarly);
    for (const end of ends) end?.();
    for (const made of [cache, sound, surface, keys, store]) made.dispose();
  };
}

export default { render };
