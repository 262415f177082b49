// What the player says in words: the clip, its number of events, what is under the pointer, what went wrong.

import { timeText } from "./axis.js";
import { eventsOf, thresholdOf } from "./detections.js";
import { element } from "./element.js";
import { scoresOf } from "./tracks/scores.js";

const DESCRIBED_AFTER_MS = 300;
const count = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;

/** Return a line about a scene: place in the queue, reference, and how much each system detects. */
export function sceneInWords(scene, queue, detected = []) {
  const place = queue.indexOf(scene.key);
  const where = queue.length > 1 && place >= 0 ? `clip ${place + 1} of ${queue.length}, ` : "";
  const labels = [...new Set((scene.events ?? []).map(({ label }) => label))];
  const names = labels.map((label) => scene.classes.find((one) => one.label === label)?.name ?? label);
  let reference = "not annotated";
  if (scene.events) reference = labels.length ? `${count(scene.events.length, "annotated event")} (${names.join(", ")})` : "no event annotated";
  const found = detected.map(({ name, events }) => `${name}: ${count(events, "detection")}`);
  return `${where}${[reference, ...found].join("; ")}`;
}

/** Return how many events each shown system detects in a scene. */
export function detectedEvents(scene, systems, store) {
  const way = store.get("postprocess");
  return systems.filter(({ role }) => role !== "soft").map((system) => ({
    name: system.name,
    events: scene.classes.reduce((sum, { label, masked }) => (masked ? sum
      : sum + eventsOf(system, label, thresholdOf(store, label), way, scene.classes).length), 0),
  }));
}

/** Return what is under a point: the time, and the frequency or the score there. */
export function pointInWords(scene, point, way) {
  if (!scene || !point || point.seconds < 0 || point.seconds > scene.duration) return "";
  const time = `${timeText(point.seconds, 0.01, scene.duration >= 120)} s`;
  if (point.hz !== null) return `${time}, ${(point.hz / 1000).toFixed(2)} kHz`;
  const { row } = point;
  const system = row && scene.systems.find(({ name }) => name === row.system);
  const place = row ? scene.classes.findIndex(({ label }) => label === row.label) : -1;
  if (!system || place < 0) return time;
  let frame = 0;
  while (frame < system.frames - 1 && system.times[frame + 1] <= point.seconds) frame += 1;
  if (!system.frames) return time;
  const score = scoresOf(system, way)[frame * scene.classes.length + place];
  return `${time}, ${scene.classes[place].name} by ${system.name}: ${score.toFixed(3)}`;
}

/** Say these things in `root`; returns a function that ends it. */
export function mountSaying({ root, canvas, head, foot, store, surface }) {
  const title = element("span", { class: "title" });
  const said = element("div", { class: "said", "aria-live": "polite" });
  const alert = element("div", { role: "alert", hidden: true });
  const silent = element("div", { class: "said", role: "status" });
  const under = element("div", { class: "under" });
  head.append(title, said, alert);
  foot.append(silent, under);

  function say() {
    const scene = store.get("scene");
    const failure = store.get("failure");
    alert.hidden = !failure;
    alert.textContent = failure ?? "";
    const key = store.get("key");
    title.textContent = scene?.title ?? key ?? "";
    if (scene) {
      said.textContent = sceneInWords(scene, store.get("queue"));
      root.setAttribute("aria-label", `Clip player: ${scene.title}`);
      describe();
    } else {
      said.textContent = failure ? "" : key ? "loading …" : "No clip to show.";
      canvas.setAttribute("aria-label", said.textContent || "No clip");
    }
  }
  let later = 0;
  function describe() {
    const scene = store.get("scene");
    if (!scene) return;
    const detected = detectedEvents(scene, surface.systemsShown(scene), store);
    canvas.setAttribute("aria-label", `${scene.title}: ${sceneInWords(scene, store.get("queue"), detected)}`);
  }
  const offs = [
    store.on("scene failure key queue", say),
    // Not at every step of a slider that is dragged.
    store.on("threshold thresholds postprocess shown", () => { clearTimeout(later); later = setTimeout(describe, DESCRIBED_AFTER_MS); }),
    store.on("silent", () => { silent.textContent = store.get("silent"); }),
    store.on("hover", () => { under.textContent = pointInWords(store.get("scene"), store.get("hover"), store.get("postprocess")); }),
  ];
  say();
  return () => { clearTimeout(later); offs.forEach((off) => off()); };
}
