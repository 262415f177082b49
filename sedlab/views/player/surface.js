// The canvas: spectrogram above, a row for each class below, one time axis; layers are drawn above them, tools take drags.

import { makeAxis } from "./axis.js";
import { COLOURS, themeOf } from "./colours.js";
import { eventsOf, thresholdOf } from "./detections.js";
import { element } from "./element.js";

const MARGIN = 110;
const SPECTROGRAM_HEIGHT = 160;
const ROW_HEIGHT = 14;

/** Make the canvas of a player; `store` holds what is drawn. */
export function makeSurface(root, store) {
  const canvas = element("canvas", { role: "img", "aria-label": "Clip" });
  root.append(canvas);
  const layers = [];
  const tools = [];
  let pending = 0;
  let rows = [];
  let axis = makeAxis([0, 1], 0, 1);
  let tool = null;

  function span() {
    const scene = store.get("scene");
    return store.get("span").length ? store.get("span") : [0, scene?.duration || 1];
  }

  function rowsOf(scene) {
    const made = [{ kind: "spectrogram", top: 0, height: SPECTROGRAM_HEIGHT }];
    let top = SPECTROGRAM_HEIGHT + 6;
    const shown = store.get("shown");
    const systems = scene.systems.filter((system) => !shown || shown.includes(system.name));
    const add = (row) => { made.push({ ...row, top, height: ROW_HEIGHT }); top += ROW_HEIGHT; };
    for (const { label, name } of scene.classes) {
      const events = (scene.events ?? []).filter((event) => event.label === label);
      const found = systems.map((system) => [system, detected(system, label, scene)]);
      if (!events.length && !found.some(([, inside]) => inside.length)) continue;
      if (scene.events) add({ kind: "reference", label, name, system: null, events });
      for (const [system, inside] of found) add({ kind: "system", label, name, system: system.name, events: inside });
    }
    return [made, top + 4];
  }

  const detected = (system, label, scene) =>
    eventsOf(system, label, thresholdOf(store, label), store.get("postprocess"), scene.classes);

  function draw() {
    pending = 0;
    const scene = store.get("scene");
    const width = Math.max(200, root.clientWidth);
    let height = SPECTROGRAM_HEIGHT;
    if (scene) [rows, height] = rowsOf(scene);
    const ratio = window.devicePixelRatio || 1;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    canvas.style.height = `${height}px`;
    const ctx = canvas.getContext("2d");
    ctx.scale(ratio, ratio);
    ctx.clearRect(0, 0, width, height);
    if (!scene) return;
    axis = makeAxis(span(), MARGIN, width - 4);
    const theme = themeOf(root);
    drawSpectrogram(ctx, scene, axis);
    for (const row of rows.slice(1)) {
      ctx.fillStyle = theme.text;
      ctx.font = "10px sans-serif";
      ctx.fillText(row.system ? row.system : row.name, 2, row.top + ROW_HEIGHT - 4, MARGIN - 6);
      ctx.fillStyle = row.kind === "reference" ? COLOURS.reference : COLOURS.detection;
      for (const event of row.events) {
        const onset = axis.x(event.onset ?? 0);
        ctx.fillRect(onset, row.top + 2, Math.max(1, axis.x(event.offset ?? scene.duration) - onset), ROW_HEIGHT - 4);
      }
    }
    for (const layer of layers) layer.draw(ctx, axis, rows);
    ctx.fillStyle = COLOURS.playhead;
    ctx.fillRect(axis.x(store.get("playhead")) - 1, 0, 2, height);
  }

  const redraw = () => { pending ||= requestAnimationFrame(draw); };

  function pointOf(event) {
    const box = canvas.getBoundingClientRect();
    const x = event.clientX - box.left;
    const y = event.clientY - box.top;
    const row = rows.find((one) => y >= one.top && y < one.top + one.height) ?? null;
    return { x, y, seconds: axis.seconds(x), hz: null, row, event };
  }

  function onDown(event) {
    const point = pointOf(event);
    tool = tools.find((one) => one.over(point) !== null) ?? null;
    if (!tool) return;
    canvas.setPointerCapture(event.pointerId);
    tool.start(point);
  }
  const onMove = (event) => {
    const point = pointOf(event);
    if (tool) tool.move?.(point);
    else canvas.style.cursor = tools.map((one) => one.over(point)).find((cursor) => cursor !== null) ?? "crosshair";
  };
  const onUp = (event) => {
    tool?.end?.(pointOf(event));
    tool = null;
  };
  canvas.addEventListener("pointerdown", onDown);
  canvas.addEventListener("pointermove", onMove);
  canvas.addEventListener("pointerup", onUp);
  const off = store.on("scene span shown threshold thresholds postprocess playhead selection label review", redraw);
  const observer = new ResizeObserver(redraw);
  observer.observe(root);

  return {
    canvas,
    redraw,
    addLayer(layer) { layers.push(layer); return () => layers.splice(layers.indexOf(layer), 1); },
    /** Tools that are added later are asked first. */
    addTool(one) { tools.unshift(one); return () => tools.splice(tools.indexOf(one), 1); },
    rows: () => rows,
    axis: () => axis,
    dispose() { off(); observer.disconnect(); cancelAnimationFrame(pending); },
  };
}

function drawSpectrogram(ctx, scene, axis) {
  if (!scene.mel) return;
  const { bands, frames, values, hopSeconds } = scene.mel;
  if (!scene.image) {
    const pixels = new ImageData(frames, bands);
    for (let band = 0; band < bands; band += 1) {
      for (let frame = 0; frame < frames; frame += 1) {
        const level = values[band * frames + frame];
        pixels.data.set([level, level * 0.8, 60 + level * 0.5, 255], 4 * ((bands - 1 - band) * frames + frame));
      }
    }
    scene.image = new OffscreenCanvas(frames, bands);
    scene.image.getContext("2d").putImageData(pixels, 0, 0);
  }
  ctx.drawImage(scene.image, axis.from / hopSeconds, 0, (axis.to - axis.from) / hopSeconds, bands,
    axis.left, 0, axis.right - axis.left, SPECTROGRAM_HEIGHT);
}
