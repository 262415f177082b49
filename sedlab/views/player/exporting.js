// What is in view, to take away: the line of Python that shows it again, a picture, and its events as files.

import { copyText, download } from "./clipboard.js";
import { allEventsOf, thresholdOf } from "./detections.js";
import { element } from "./element.js";
import { audacityTrack, desedTable, fileNameOf, shownDocument } from "./formats.js";
import { makeSvgContext } from "./svg.js";

const REFERENCE = "reference";
const HEAD_PIXELS = 40;
const PNG_SCALE = 2;
const SAID_MS = 5000;
const TOLD_WAYS = { none: "not filtered", median: "median filter", boxes: "event boxes" };

/** Return {name, role, events} of the systems that are shown; the share of annotators detects nothing. */
export function shownEvents(scene, systems, store) {
  return systems.filter(({ role }) => role !== "soft").map((system) => ({
    name: system.name, role: system.role,
    events: allEventsOf(system, scene.classes, (label) => thresholdOf(store, label), store.get("postprocess")),
  }));
}

/** Put the buttons into `root`; returns a function that takes them away. */
export function mountExporting({ root, store, keys, surface }) {
  const copy = element("button", { type: "button", class: "copy", title: "Copy the line of Python that shows this view again (y)", onclick: () => copyCall() }, "Copy the call");
  const open = element("button", { type: "button", title: "Export what is in view (x)", "aria-expanded": "false", onclick: () => toggle() }, "Export");
  const said = element("span", { role: "status" });
  const whose = element("select", { "aria-label": "Whose events" });
  const kinds = [
    ["PNG", "picture", () => savePng()], ["SVG", "picture to edit", () => saveSvg()],
    ["TSV", "table with the columns of DESED", () => saveText("tsv", desedTable(store.get("key"), chosenEvents()))],
    ["Audacity", "label track", () => saveText("txt", audacityTrack(chosenEvents(), store.get("scene").duration))],
    ["JSON", "events of everything that is shown", () => saveText("json", shownJson())],
  ];
  const button = ([name, what, run]) => element("button", { type: "button", title: `${name}: ${what}`, onclick: () => tried(run) }, name);
  const panel = element("div", { class: "line", role: "group", "aria-label": "Export", hidden: true },
    element("span", { class: "set" }, ...kinds.slice(0, 2).map(button)),
    element("span", { class: "set" }, ...kinds.slice(2, 4).map(button), element("span", { "aria-hidden": "true" }, "of"), whose),
    button(kinds[4]));
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    toggle(false);
    open.focus();
  });
  root.append(element("div", { class: "line" }, copy, open, said), panel);

  let clearing = 0;
  function say(text) {
    clearTimeout(clearing);
    said.textContent = text;
    clearing = setTimeout(() => { said.textContent = ""; }, SAID_MS);
  }
  async function tried(run) {
    try {
      if (!store.get("scene")) throw new Error("no clip is shown");
      say(await run());
    } catch (error) {
      say(error.message);
    }
  }
  function copyCall() {
    return tried(async () => {
      await copyText(store.get("call"));
      return `copied: ${store.get("call")}`;
    });
  }
  function toggle(show = panel.hidden) {
    panel.hidden = !show;
    open.setAttribute("aria-expanded", String(show));
    if (show) panel.querySelector("button").focus();
  }

  function showChoices() {
    const scene = store.get("scene");
    if (!scene) return;
    const before = whose.value;
    const names = surface.systemsShown(scene).filter(({ role }) => role !== "soft").map(({ name }) => name);
    whose.replaceChildren(...[...names, ...(scene.events ? [REFERENCE] : [])].map((name) => element("option", { value: name }, name)));
    if ([...whose.options].some(({ value }) => value === before)) whose.value = before;
  }
  function chosenEvents() {
    const scene = store.get("scene");
    if (whose.value === REFERENCE) return scene.events;
    const [found] = shownEvents(scene, surface.systemsShown(scene).filter(({ name }) => name === whose.value), store);
    if (!found) throw new Error("nothing is shown that has events");
    return found.events;
  }
  function shownJson() {
    const scene = store.get("scene");
    const settings = Object.fromEntries(["postprocess", "threshold", "thresholds"].map((name) => [name, store.get(name)]));
    return shownDocument(scene, settings, shownEvents(scene, surface.systemsShown(scene), store));
  }
  function saveText(suffix, text) {
    const name = fileNameOf(store.get("key"), suffix);
    download(new Blob([text], { type: suffix === "json" ? "application/json" : "text/plain" }), name);
    return `saved ${name}`;
  }

  /** Draw title, settings and tracks on a context of `size`. */
  function drawPage(ctx, [width, height]) {
    const scene = store.get("scene");
    const theme = surface.theme();
    const own = Object.entries(store.get("thresholds")).map(([label, value]) => `, ${label} ${value.toFixed(3)}`).join("");
    ctx.fillStyle = theme.paper;
    ctx.fillRect(0, 0, width, height);
    ctx.fillStyle = theme.text;
    ctx.textAlign = "left";
    ctx.textBaseline = "alphabetic";
    ctx.font = "bold 13px sans-serif";
    ctx.fillText(scene.title, 4, 16);
    ctx.font = "11px sans-serif";
    ctx.fillText(`threshold ${store.get("threshold").toFixed(3)}${own}, ${TOLD_WAYS[store.get("postprocess")]}`, 4, 32);
    ctx.translate(0, HEAD_PIXELS);
    surface.paint(ctx);
  }
  function pageSize() {
    const [width, height] = surface.size();
    return [width, height + HEAD_PIXELS];
  }
  async function savePng() {
    const [width, height] = pageSize();
    const canvas = element("canvas", { width: width * PNG_SCALE, height: height * PNG_SCALE });
    const ctx = canvas.getContext("2d");
    ctx.scale(PNG_SCALE, PNG_SCALE);
    drawPage(ctx, [width, height]);
    const blob = await new Promise((done) => { canvas.toBlob(done, "image/png"); });
    if (!blob) throw new Error("the picture is too large for this browser: show fewer systems or classes");
    const name = fileNameOf(store.get("key"), "png");
    download(blob, name);
    return `saved ${name}`;
  }
  function saveSvg() {
    const size = pageSize();
    const ctx = makeSvgContext(...size);
    drawPage(ctx, size);
    const name = fileNameOf(store.get("key"), "svg");
    download(new Blob([ctx.text()], { type: "image/svg+xml" }), name);
    return `saved ${name}`;
  }

  const bindings = [["y", "copy the line of Python that shows this view", copyCall], ["x", "export: PNG, SVG, TSV, Audacity, JSON", () => toggle()]];
  const ends = [
    ...bindings.map(([key, what, run]) => keys.add({ keys: [key], what, group: "Take away", run })),
    store.on("scene shown", showChoices),
    store.on("call", () => { copy.hidden = !store.get("call"); }),
  ];
  copy.hidden = !store.get("call");
  showChoices();
  return () => { clearTimeout(clearing); ends.forEach((end) => end()); };
}
