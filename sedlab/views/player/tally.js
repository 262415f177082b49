// The table below the slider: right, wrong and missed in this clip and on its subset, system by system.

import { onTheme } from "./colours.js";
import { ratesOf, subsetAt } from "./counting.js";
import { thresholdOf } from "./detections.js";
import { element } from "./element.js";
import { clipCounts } from "./judging.js";

const CLIP = ["TP", "FP", "FN"];
const SUBSET = ["TP", "FP", "FN", "precision", "recall", "F1", "FP an hour"];
const MEANING = {
  TP: "true positives: events that are found", FP: "false positives: detections that are wrong", FN: "false negatives: events that are missed",
  precision: "of all detections, the part that is right", recall: "of all events, the part that is found",
  F1: "harmonic mean of precision and recall; of all classes the mean of theirs, as it is scored", "FP an hour": "false positives in an hour of the clips that are scored",
};
const part = (value) => (Number.isNaN(value) ? "–" : value.toFixed(3));

/** Return the texts of the cells of a system on its subset. */
export function subsetCells(rates) {
  const { hits, falseAlarms, misses, precision, recall, f1, hourly } = rates;
  return [hits, falseAlarms, misses].map(String).concat([precision, recall, f1].map(part), Number.isNaN(hourly) ? "–" : hourly.toFixed(1));
}

/** Make the table; it is brought up to date once a frame. */
export function makeTally({ store, surface, subset }) {
  const body = element("tbody");
  const caption = element("caption");
  const head = (text) => element("th", { scope: "col", title: MEANING[text] }, text);
  const group = (text, span) => element("th", { scope: "colgroup", colspan: span }, text);
  const subsetHead = group("subset", SUBSET.length);
  const table = element("table", {}, caption,
    element("colgroup"), element("colgroup", { span: CLIP.length }), element("colgroup", { span: SUBSET.length }),
    element("thead", {}, element("tr", {}, element("td"), group("this clip", CLIP.length), subsetHead),
      element("tr", {}, element("th", { scope: "col" }, "System"), ...CLIP.map(head), ...SUBSET.map(head))), body);
  const node = element("div", { class: "tally", tabindex: "0", role: "group", "aria-label": "Counts at the threshold" }, table);
  let pending = 0;
  let lines = [];

  function build() {
    const scene = store.get("scene");
    const looks = surface.looks();
    const systems = scene ? surface.systemsShown(scene).filter(({ role }) => role !== "soft") : [];
    lines = systems.map((system) => ({ system, cells: [...CLIP, ...SUBSET].map(() => element("td", {}, "–")) }));
    body.replaceChildren(...lines.map(({ system, cells }) => {
      const number = element("b", { style: `color:${looks[system.name].colour}` }, String(looks[system.name].number));
      return element("tr", {}, element("th", { scope: "row" }, number, ` ${system.name}`), ...cells);
    }));
    node.hidden = !systems.length;
    soon();
  }

  function fill() {
    pending = 0;
    const scene = store.get("scene");
    if (!scene || !lines.length) return;
    const label = store.get("label");
    const criterion = store.get("criterion");
    const name = label ? scene.classes.find((one) => one.label === label)?.name ?? label : "all classes";
    let told = "";
    for (const { system, cells } of lines) {
      const here = criterion ? clipCounts(scene, system, label, store) : null;
      const rates = here && ratesOf(here, 0);
      const own = rates ? [rates.hits, rates.falseAlarms, rates.misses].map(String) : CLIP.map(() => "–");
      const counts = subset.of(system.name);
      const there = counts?.criteria && criterion ? subsetAt(counts, criterion, label, (one) => thresholdOf(store, one)) : null;
      const waiting = subset.isComing(system.name) ? "…" : "–";
      const texts = [...own, ...(there ? subsetCells(there) : SUBSET.map(() => waiting))];
      texts.forEach((text, place) => { if (cells[place].textContent !== text) cells[place].textContent = text; });
      if (counts?.error) told = counts.error;
      else if (counts?.clips) told ||= `${counts.clips} clips with events, ${counts.hours.toFixed(2)} hours`;
    }
    if (subset.countsOthers(lines.map(({ system }) => system.name))) told = "not counted for these; tick another system above";
    caption.textContent = `At the threshold, ${name}${told ? `. Subset: ${told}` : ""}`;
    subsetHead.textContent = `all of ${store.get("key").split("/")[0] || "the subset"}`;
  }
  const soon = () => { pending ||= requestAnimationFrame(fill); };

  const offs = [
    store.on("scene shown", build), onTheme(build),
    store.on("threshold thresholds label postprocess criterion counts subsetCounts", soon),
  ];
  build();
  return { node, dispose() { cancelAnimationFrame(pending); offs.forEach((off) => off()); } };
}
