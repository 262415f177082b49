// The threshold as a tool: a slider for one class or all, marks worth a try, and what it does to clip and subset.

import { thresholdOf } from "./detections.js";
import { element } from "./element.js";
import { drawVerdicts } from "./judging.js";
import { CRITERIA } from "./matching.js";
import { makeSubsetCounts } from "./subset.js";
import { makeTally } from "./tally.js";
import { curveScore, curveY } from "./tracks/scores.js";

const WAYS = { none: "scores as they are", median: "median filter", boxes: "event boxes" };
const STEP = 0.01;
const FINE_STEP = 0.001;
const GRIP_PIXELS = 5;
const group = "Threshold";

/** Return a threshold to three places, inside 0 to 1. */
export function tidyThreshold(value) {
  return Math.min(1, Math.max(0, Math.round(value * 1000) / 1000));
}

/** Return the changes of the store that give a class, or all ("") without one of their own, this threshold. */
export function thresholdChange(label, value, thresholds) {
  return label ? { thresholds: { ...thresholds, [label]: value } } : { threshold: value };
}

/** Return the next of some marks [[name, threshold]] above `now`, from the top on the lowest; null: there is none. */
export function nextMark(marks, now) {
  const values = [...new Set(marks.map(([, value]) => value))].sort((a, b) => a - b);
  return values.find((value) => value > now + 1e-9) ?? values[0] ?? null;
}

/** Put the tool into `root`; returns a function that takes it away. */
export function mountThreshold({ root, store, model, keys, surface, send }) {
  const subset = makeSubsetCounts({ store, model, send, surface });
  const tally = makeTally({ store, surface, subset });
  const now = () => thresholdOf(store, store.get("label"));
  const set = (value) => store.set(thresholdChange(store.get("label"), Math.min(1, Math.max(0, value)), store.get("thresholds")));
  const nudge = (by) => set(tidyThreshold(now() + by));

  const chooser = (name, title, options, run) => element("select", { "aria-label": name, title, onchange: (event) => run(event.target.value) },
    ...Object.entries(options).map(([value, text]) => element("option", { value }, text)));
  const classes = chooser("Class of the threshold", "Class (g: the next one of this clip)", {}, (label) => store.set({ label }));
  const slider = element("input", { type: "range", min: 0, max: 1, step: "any", class: "slide", "aria-label": "Threshold", title: "Threshold (t up, T down; arrows, with Shift finer; b: to the next mark)", oninput: () => set(tidyThreshold(Number(slider.value))), onkeydown: onSliderKey });
  const number = element("input", { type: "number", min: 0, max: 1, step: FINE_STEP, "aria-label": "Threshold as a number", onchange: () => { if (number.value !== "" && number.validity.valid) set(Number(number.value)); else show(); } });
  number.step = "any";
  const ticks = element("div", { class: "ticks", "aria-hidden": "true" });
  const way = chooser("Post-processing", "What the threshold is applied to (o: the next)", WAYS, (value) => store.set({ postprocess: value }));
  const criterion = chooser("Right if", "When a detection is right", { ...Object.fromEntries(Object.entries(CRITERIA).map(([key, { name }]) => [key, name])), "": "do not judge" }, (value) => store.set({ criterion: value }));
  const marks = element("div", { class: "marks", role: "group", "aria-label": "Marks of the threshold" });
  const own = element("div", { class: "own" });
  const save = element("button", { type: "button", title: "Save the thresholds for sedlab detect (s)", onclick: () => ask() }, "Save thresholds");
  const saved = element("span", { role: "status" });
  const field = (text, ...inside) => element("span", { class: "set" }, element("span", { "aria-hidden": "true" }, text), ...inside);
  root.append(
    element("div", { class: "line" }, field("Threshold of", classes), element("span", { class: "slide" }, slider, ticks), number, field("on", way), field("right if", criterion)),
    element("div", { class: "line" }, marks, own), tally.node,
    element("div", { class: "line" }, save, saved),
  );

  function onSliderKey(event) {
    const fine = event.shiftKey ? FINE_STEP : STEP;
    const by = { ArrowRight: fine, ArrowUp: fine, ArrowLeft: -fine, ArrowDown: -fine, PageUp: 0.1, PageDown: -0.1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    nudge(by);
  }

  function allMarks() {
    const label = store.get("label");
    return [...Object.entries(store.get("marks")[label] ?? {}), ...subset.best(label)];
  }

  function show() {
    const value = now();
    slider.value = String(value);
    slider.setAttribute("aria-valuetext", value.toFixed(3));
    if (document.activeElement !== number) number.value = String(Math.round(value * 1e6) / 1e6);
    for (const button of marks.children) button.setAttribute("aria-pressed", String(Math.abs(Number(button.value) - value) < 1e-9));
  }

  function showMarks() {
    const found = allMarks().filter(([, value]) => Number.isFinite(value));
    ticks.replaceChildren(...found.map(([, value]) => element("i", { style: `left:${100 * value}%` })));
    marks.replaceChildren(...found.map(([name, value]) => element("button", { type: "button", value, title: `Set the threshold to ${value} (b: the next mark)`, onclick: () => set(value) }, `${value.toFixed(3)} ${name}`)));
    show();
  }

  function showOwn() {
    const thresholds = store.get("thresholds");
    const names = Object.fromEntries((store.get("scene")?.classes ?? []).map(({ label, name }) => [label, name]));
    own.replaceChildren(...Object.entries(thresholds).map(([label, value]) => {
      const name = names[label] ?? label;
      return element("button", { type: "button", title: `${name}: give up its own threshold`, "aria-label": `${name} ${value.toFixed(3)}: give up its own threshold`, onclick: () => drop(label) }, `${name} ${value.toFixed(3)} ×`);
    }));
    if (own.children.length) own.prepend(element("span", {}, "of their own:"));
  }
  const drop = (label) => store.set({ thresholds: Object.fromEntries(Object.entries(store.get("thresholds")).filter(([one]) => one !== label)) });

  function showClasses() {
    const scene = store.get("scene");
    if (!scene) return;
    // In a corpus that nobody has detected anything in there is nothing to set.
    root.hidden = !scene.systems.length;
    const known = new Set((scene.events ?? []).map(({ label }) => label));
    const option = ({ label, name }) => element("option", { value: label }, `${name}${known.has(label) ? " (annotated here)" : ""}`);
    classes.replaceChildren(element("option", { value: "" }, "all classes"), ...scene.classes.map(option));
    const label = store.get("label");
    if (label && !scene.classes.some((one) => one.label === label)) classes.append(element("option", { value: label }, label));
    classes.value = label;
    const ways = [...way.options];
    for (const one of ways) one.disabled = one.value !== "none" && scene.systems.length > 0 && !scene.systems.some((system) => (one.value === "boxes" ? system.boxes : system.ways[one.value]));
    showOwn();
  }

  function showChosen() {
    classes.value = store.get("label");
    way.value = store.get("postprocess");
    criterion.value = store.get("criterion");
    showMarks();
  }

  function ask() {
    saved.textContent = "saving …";
    send({ type: "save thresholds" });
  }
  function onAnswer(message) {
    if (message.type === "saved thresholds") saved.textContent = message.message;
  }
  function nextClass() {
    const scene = store.get("scene");
    if (!scene) return false;
    const labels = ["", ...new Set(surface.rows().filter(({ label, masked }) => label && !masked).map(({ label }) => label))];
    store.set({ label: labels[(labels.indexOf(store.get("label")) + 1) % labels.length] });
    return true;
  }
  function nextWay() {
    const values = [...way.options].filter(({ disabled }) => !disabled).map(({ value }) => value);
    store.set({ postprocess: values[(values.indexOf(store.get("postprocess")) + 1) % values.length] });
  }
  const bindings = [
    [["t"], "threshold up by 0.01", () => nudge(STEP)],
    [["T"], "threshold down by 0.01", () => nudge(-STEP)],
    [["b"], "to the next mark: default, saved, best F1", () => { const next = nextMark(allMarks(), now()); if (next !== null) set(next); }],
    [["g"], "threshold of the next class of this clip, then of all", nextClass],
    [["o"], "next post-processing: none, median filter, event boxes", nextWay],
    [["s"], "save the thresholds", ask],
  ];

  const offs = [
    ...bindings.map(([pressed, what, run]) => keys.add({ keys: pressed, what, group, run })),
    surface.addLayer({ draw(ctx, axis, rows, theme) { const scene = store.get("scene"); if (scene) drawVerdicts(ctx, axis, rows, theme, scene, store); } }),
    surface.addTool(lineTool({ store })),
    store.on("threshold thresholds label", show), store.on("thresholds", showOwn),
    store.on("scene label", showClasses), store.on("label postprocess criterion marks subsetCounts shown", showChosen),
    store.on("criterion", surface.redraw),
  ];
  model.on("msg:custom", onAnswer);
  showClasses();
  showChosen();
  return () => {
    model.off("msg:custom", onAnswer);
    offs.forEach((off) => off());
    tally.dispose();
    subset.dispose();
  };
}

/** Return the tool that drags the line of the threshold in a row of curves: that of the class, if it has one or is chosen. */
function lineTool({ store }) {
  let label = "";
  const isOwn = (one) => store.get("label") === one || store.get("thresholds")[one] !== undefined;
  return {
    over({ row, y }) {
      return row?.kind === "curve" && Math.abs(y - curveY(row, thresholdOf(store, row.label))) < GRIP_PIXELS ? "ns-resize" : null;
    },
    start({ row }) { label = isOwn(row.label) ? row.label : ""; },
    move({ row, y }) {
      if (row?.kind !== "curve") return;
      store.set(thresholdChange(label, tidyThreshold(curveScore(row, y)), store.get("thresholds")));
    },
  };
}
