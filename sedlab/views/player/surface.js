// The canvases: the sound, the rows below it, and what lies over both; only those that changed are drawn again.

import { makeAxis, shownSpan } from "./axis.js";
import { looksOf, onTheme, themeOf } from "./colours.js";
import { thresholdOf } from "./detections.js";
import { element } from "./element.js";
import { makeBandAxis, shownBand } from "./frequency.js";
import { drawRow, drawSoundRow } from "./tracks/drawing.js";
import { layoutRows, rowAt, shownClasses } from "./tracks/rows.js";
import { drawGrid } from "./tracks/words.js";

const NARROW_PIXELS = 560;
// JupyterLab says that its theme changed before the new style sheet is there.
const STYLES_MS = 600;
const MARGINS = { wide: 150, narrow: 40, right: 6 };
const ROW_FACTS = "threshold thresholds postprocess shown label curves";

/**
 * Make the canvases of a player in `root`; `store` holds what is drawn.
 *
 * `addLayer({draw(ctx, axis, rows)})` draws over the tracks; `addTool({over, start, move, end, cancel})` takes drags;
 * `addRows({rows(scene, label)})` puts rows {kind, height, name, draw(ctx, axis, row)} below the reference of a class.
 */
export function makeSurface(root, store) {
  const canvas = (name) => element("canvas", { class: name, "aria-hidden": name === "over" ? null : "true" });
  const canvases = { sound: canvas("sound"), rows: canvas("rows"), over: canvas("over") };
  const { over } = canvases;
  over.setAttribute("role", "img");
  over.setAttribute("aria-label", "No clip");
  const head = element("div", { class: "sedlab-playhead", hidden: true });
  const area = element("div", { class: "area" }, canvases.sound, canvases.rows, over, head);
  root.append(area);
  const layers = [];
  const tools = [];
  const extras = [];
  const dirty = new Set();
  const pointers = new Set();
  let pending = 0;
  let plan = { rows: [], split: 0, height: 0 };
  let axis = makeAxis([0, 1], 0, 1);
  let theme = null;
  let tool = null;

  const systemsShown = (scene) => {
    const shown = store.get("shown");
    return scene.systems.filter(({ name }) => !shown || shown.includes(name));
  };
  const bandShown = (scene) => shownBand(store.get("band"), scene.mel?.maxHz ?? scene.sampleRate / 2);

  function layOut(scene, width) {
    const systems = systemsShown(scene);
    const review = store.get("review") ?? {};
    const decided = review.key === scene.key ? (review.decisions ?? []).map(({ label }) => label) : [];
    const always = [store.get("label"), store.get("focus")?.label, ...decided].filter(Boolean);
    const classes = shownClasses(scene, systems, (label) => thresholdOf(store, label), always);
    const extra = (label) => extras.flatMap((one) => one.rows(scene, label) ?? []);
    const narrow = width < NARROW_PIXELS;
    const view = { systems, classes, narrow, extra, label: store.get("label") };
    plan = layoutRows(scene, { ...view, waveform: store.get("waveform"), curves: store.get("curves") });
    axis = makeAxis(shownSpan(store.get("span"), scene.duration), narrow ? MARGINS.narrow : MARGINS.wide, width - MARGINS.right);
  }

  /** Give a canvas its size, in which it is empty; returns its context in CSS pixels, whose y is that of the area. */
  function cleared(name, width, top, height) {
    const ratio = window.devicePixelRatio || 1;
    const node = canvases[name];
    const size = [Math.round(width * ratio), Math.round(height * ratio)];
    if (node.width !== size[0] || node.height !== size[1]) [node.width, node.height] = size;
    node.style.height = `${height}px`;
    const ctx = node.getContext("2d");
    ctx.setTransform(ratio, 0, 0, ratio, 0, -top * ratio);
    ctx.clearRect(0, top, width, height);
    return ctx;
  }

  function draw() {
    pending = 0;
    const width = root.clientWidth;
    const scene = store.get("scene");
    area.classList.toggle("waiting", !scene);
    if (!width || !scene) return;
    const began = performance.now();
    theme ??= themeOf(root);
    const before = plan;
    layOut(scene, width);
    if (plan.split !== before.split) dirty.add("sound");
    if (plan.height !== before.height || plan.rows.length !== before.rows.length) dirty.add("over");
    if (dirty.has("sound")) drawSound(cleared("sound", width, 0, plan.split), scene);
    if (dirty.has("rows")) drawRows(cleared("rows", width, plan.split, plan.height - plan.split), scene);
    if (dirty.has("rows") || dirty.has("over")) drawLayers(cleared("over", width, 0, plan.height));
    placeHead();
    const parts = [...dirty];
    dirty.clear();
    root.dispatchEvent(new CustomEvent("sedlab-drawn", { detail: { parts, milliseconds: performance.now() - began } }));
  }

  /** Draw everything that is in view on another context of CSS pixels, `size()` large, for a picture of it. */
  function paint(ctx) {
    const scene = store.get("scene");
    if (!scene || !plan.rows.length) return;
    theme ??= themeOf(root);
    drawSound(ctx, scene);
    drawRows(ctx, scene);
    drawLayers(ctx);
  }

  function drawSound(ctx, scene) {
    for (const row of plan.rows) drawSoundRow(ctx, axis, row, scene, bandShown(scene), theme);
  }

  function drawRows(ctx, scene) {
    drawGrid(ctx, axis, plan.split, plan.height, theme);
    const view = { systems: systemsShown(scene), looks: looksOf(scene.systems, theme), way: store.get("postprocess"), theme };
    for (const row of plan.rows) {
      if (row.top >= plan.split) drawRow(ctx, axis, row, scene, { ...view, threshold: thresholdOf(store, row.label) });
    }
  }

  function drawLayers(ctx) {
    for (const layer of layers) {
      ctx.save();
      layer.draw(ctx, axis, plan.rows, theme);
      ctx.restore();
    }
  }

  function placeHead() {
    const scene = store.get("scene");
    const at = store.get("playhead");
    head.hidden = !scene || at < axis.from || at > axis.to;
    if (head.hidden) return;
    head.style.height = `${plan.height}px`;
    head.style.transform = `translateX(${axis.x(at) - 1}px)`;
  }

  function touch(...parts) {
    parts.forEach((part) => dirty.add(part));
    pending ||= requestAnimationFrame(draw);
  }

  function repaint() {
    theme = null;
    touch("sound", "rows", "over");
  }

  function pointOf(event) {
    const box = over.getBoundingClientRect();
    const x = event.clientX - box.left;
    const y = event.clientY - box.top;
    const row = rowAt(plan.rows, y);
    const scene = store.get("scene");
    const hz = row?.kind === "spectrogram" && scene ? makeBandAxis(bandShown(scene), row.top, row.height).hz(y) : null;
    return { x, y, seconds: axis.seconds(x), hz, row, event };
  }

  function cancel() {
    tool?.cancel?.();
    tool = null;
  }

  const listeners = {
    pointerdown(event) {
      pointers.add(event.pointerId);
      if (!store.get("scene") || event.button || pointers.size > 1) return;
      const point = pointOf(event);
      tool = tools.find((one) => one.over(point) !== null) ?? null;
      if (!tool) return;
      over.setPointerCapture(event.pointerId);
      tool.start?.(point);
    },
    pointermove(event) {
      const point = pointOf(event);
      if (tool && pointers.size < 2) tool.move?.(point);
      else if (!tool) over.style.cursor = tools.map((one) => one.over(point)).find((cursor) => cursor !== null) ?? "default";
      if (event.pointerType !== "touch") store.set({ hover: point });
    },
    pointerup(event) {
      pointers.delete(event.pointerId);
      const ended = tool;
      tool = null;
      ended?.end?.(pointOf(event));
    },
    pointercancel(event) { pointers.delete(event.pointerId); cancel(); },
    pointerleave() { store.set({ hover: null }); },
  };
  for (const [name, listener] of Object.entries(listeners)) over.addEventListener(name, listener);

  const offs = [
    store.on("scene span band waveform", () => touch("sound", "rows", "over")),
    store.on(ROW_FACTS, () => touch("rows", "over")),
    store.on("selection focus review", () => touch("over")),
    store.on("playhead", placeHead),
    onTheme(() => { repaint(); setTimeout(repaint, STYLES_MS); }),
  ];
  const observer = new ResizeObserver(() => touch("sound", "rows", "over"));
  observer.observe(root);

  const listed = (list, first = false) => (one) => {
    if (first) list.unshift(one);
    else list.push(one);
    touch("rows", "over");
    return () => { list.splice(list.indexOf(one), 1); touch("rows", "over"); };
  };
  return {
    area, canvas: over, cancel, pointOf, systemsShown, bandShown, paint,
    size: () => [root.clientWidth, plan.height],
    addLayer: listed(layers),
    /** Tools that are added later are asked first. */
    addTool: listed(tools, true),
    addRows: listed(extras),
    redraw: () => touch("rows", "over"),
    rows: () => plan.rows,
    axis: () => axis,
    theme: () => (theme ??= themeOf(root)),
    looks: () => looksOf(store.get("scene")?.systems ?? [], (theme ??= themeOf(root))),
    dispose() { offs.forEach((off) => off()); observer.disconnect(); cancelAnimationFrame(pending); },
  };
}
