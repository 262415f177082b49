// The browser's half of ClipPlayer: puts its parts together.

import { makeCache } from "./cache.js";
import { element } from "./element.js";
import { makeKeys } from "./keys.js";
import { unpack } from "./scene.js";
import { makeStore } from "./store.js";
import { makeSurface } from "./surface.js";

function render({ model, el }) {
  const root = element("div", {
    tabindex: "0", role: "group", class: "sedlab-player", "aria-label": "Clip player",
    // JupyterLab would take "n" or space for a command of its own.
    "data-lm-suppress-shortcuts": "true",
  });
  el.append(root);
  const store = makeStore(model);
  const send = (message) => model.send(message);
  const keys = makeKeys(root);
  const cache = makeCache({ store, model, send });
  const surface = makeSurface(root, store);
  const audio = element("audio", { controls: true, preload: "auto" });
  const said = element("div", { class: "said", "aria-live": "polite" });
  root.append(audio, said);

  let url = "";
  let animation = 0;
  function onScene() {
    const scene = store.get("scene");
    audio.pause();
    if (url) URL.revokeObjectURL(url);
    url = scene?.audio.byteLength ? URL.createObjectURL(new Blob([scene.audio], { type: "audio/wav" })) : "";
    if (url) audio.src = url;
    else audio.removeAttribute("src");
    said.textContent = store.get("failure") ?? scene?.title ?? "";
    if (scene) store.set({ playhead: 0 });
  }
  function seek(seconds) {
    const duration = store.get("scene")?.duration ?? 0;
    audio.currentTime = Math.max(0, Math.min(seconds, duration));
    store.set({ playhead: audio.currentTime });
  }
  function animate() {
    store.set({ playhead: audio.currentTime });
    if (!audio.paused && !audio.ended) animation = requestAnimationFrame(animate);
  }
  audio.addEventListener("play", () => { cancelAnimationFrame(animation); animate(); });
  const step = (by) => {
    const queue = store.get("queue");
    const place = queue.indexOf(store.get("key")) + by;
    if (place >= 0 && place < queue.length) store.set({ key: queue[place], span: [], selection: [], focus: {} });
  };
  keys.add({ keys: [" "], what: "play or pause", run: () => { if (audio.paused) audio.play(); else audio.pause(); } });
  keys.add({ keys: ["ArrowRight"], what: "half a second on", run: () => seek(audio.currentTime + 0.5) });
  keys.add({ keys: ["ArrowLeft"], what: "half a second back", run: () => seek(audio.currentTime - 0.5) });
  keys.add({ keys: ["Home"], what: "to the start", run: () => seek(0) });
  keys.add({ keys: ["n"], what: "next clip", run: () => step(1) });
  keys.add({ keys: ["p"], what: "previous clip", run: () => step(-1) });
  surface.addTool({ over: () => "crosshair", start: (point) => { seek(point.seconds); root.focus(); } });

  const onMessage = (message, buffers) => {
    if (message.type === "scene") cache.receive(message, unpack(message.scene, buffers));
    else if (message.type === "failed") cache.receive(message, null);
  };
  model.on("msg:custom", onMessage);
  const off = store.on("scene failure", onScene);
  onScene();

  const parts = { root, store, model, keys, surface, send, seek };
  const mounted = [].map((mount) => mount(parts));

  return () => {
    mounted.forEach((dispose) => dispose());
    audio.pause();
    cancelAnimationFrame(animation);
    off();
    model.off("msg:custom", onMessage);
    cache.dispose();
    surface.dispose();
    keys.dispose();
    store.dispose();
    if (url) URL.revokeObjectURL(url);
  };
}

export default { render };
