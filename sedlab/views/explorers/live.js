// The browser's half of LiveTraining: keeps the rows it was sent, draws them as SVG in the colours of the page's theme.
import { element } from "../player/element.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDE_SPAN = 30;
const UNHEARD_MS = 8000;
const MARGIN = { left: 52, right: 10, top: 8, bottom: 32 };
const HEIGHT = 210;
const DASHES = ["", "6 3", "6 3 2 3", "2 3"];
// P. Tol's schemes "muted" and "light", https://personal.sron.nl/~pault/; student and teacher as in the figures.
const LIGHT = { cycle: ["#332288", "#CC6677", "#117733", "#3C93C2", "#882255", "#A08A1C", "#2C8C7E", "#AA4499", "#7A7A3A"], student: "#0072B2", teacher: "#B0568A" };
const DARK = { cycle: ["#77AADD", "#EE8866", "#BBCC33", "#99DDFF", "#FFAABB", "#EEDD88", "#44BB99", "#DDA0DD", "#AAAA00"], student: "#56B4E9", teacher: "#E8A0C8" };

const STYLE = `
.sedlab-training { color: var(--jp-content-font-color1, inherit); font: 13px var(--jp-ui-font-family, sans-serif); max-width: 1400px; padding: 4px 2px; }
.sedlab-training .head { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 14px; }
.sedlab-training .head strong { font-size: 14px; }
.sedlab-training progress { flex: 1 1 160px; height: 14px; accent-color: #0072B2; }
.sedlab-training .text { font-variant-numeric: tabular-nums; margin: 3px 0; min-height: 18px; }
.sedlab-training button { font: inherit; color: inherit; background: transparent; border: 1px solid currentColor; border-radius: 3px; padding: 2px 10px; cursor: pointer; }
.sedlab-training button:focus-visible { outline: 2px solid #56B4E9; outline-offset: 2px; }
.sedlab-training button[disabled] { opacity: .5; cursor: default; }
.sedlab-training .panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 330px), 1fr)); gap: 8px 18px; }
.sedlab-training .panel h4 { font-size: 13px; margin: 6px 0 0; display: flex; gap: 10px; align-items: baseline; }
.sedlab-training .panel h4 button, .sedlab-training .key button { font-size: 11px; font-weight: normal; padding: 0 5px; border-color: transparent; }
.sedlab-training .panel h4 button { border-color: color-mix(in srgb, currentColor 40%, transparent); }
.sedlab-training .key { display: flex; flex-wrap: wrap; gap: 0 2px; font-size: 11px; font-variant-numeric: tabular-nums; }
.sedlab-training .key button[aria-pressed=false] { opacity: .4; text-decoration: line-through; }
.sedlab-training .key span { padding: 0 5px; }
.sedlab-training .panel > svg { display: block; width: 100%; height: ${HEIGHT}px; }
.sedlab-training .panel:first-child { grid-row: span 2; }
.sedlab-training .panel:first-child > svg { height: ${2 * HEIGHT - 40}px; }
.sedlab-training .key svg, .sedlab-training .key button { flex: none; }
.sedlab-training svg text { fill: currentColor; font-size: 11px; }
.sedlab-training .note { border-left: 4px solid #D55E00; padding: 4px 10px; margin: 4px 0; background: #FDF1E8; color: #222; }
.sedlab-training table { border-collapse: collapse; margin: 6px 0; font-variant-numeric: tabular-nums; }
.sedlab-training td { padding: 1px 10px 1px 0; text-align: left; white-space: nowrap; }
.sedlab-training td:last-child { white-space: normal; }
.sedlab-training td button[aria-pressed=true] { font-weight: bold; background: color-mix(in srgb, currentColor 12%, transparent); }
`;

function draw(tag, attributes, text = "") {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text) node.textContent = text;
  return node;
}

function isDark() {
  const theme = document.body.dataset.jpThemeLight;
  return theme ? theme === "false" : matchMedia("(prefers-color-scheme: dark)").matches;
}

const short = (value) => (value === 0 ? "0" : Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5 ? value.toExponential(1).replace(".0e", "e") : String(Number(value.toPrecision(3))));
const spoken = (name) => name.replace(/^(loss|val)\//, "").replaceAll("_", " ");

// Round numbers that cover low to high; on a logarithmic scale powers of ten.
function ticks(low, high, log) {
  if (log) {
    const first = Math.ceil(Math.log10(low) - 1e-9);
    const last = Math.floor(Math.log10(high) + 1e-9);
    const every = Math.max(1, Math.ceil((last - first + 1) / 6));
    const found = [];
    for (let power = first; power <= last; power += every) found.push(10 ** power);
    return found;
  }
  const rough = (high - low) / 5 || 1;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * [1, 2, 5, 10].find((factor) => factor * unit >= rough * 0.999);
  const found = [];
  for (let value = Math.ceil(low / step - 1e-9) * step; value <= high + step * 1e-6; value += step) found.push(Number(value.toPrecision(10)));
  return found;
}

// Draw lines of {colour, dash, width, points: [[step, value]], dots}; return a sentence on what there is to see.
function chart(svg, lines, { log, steps, label, empty = "nothing to draw yet" }) {
  const [width, height] = [svg.clientWidth || 440, svg.clientHeight || HEIGHT];
  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("aria-label", label);
  const values = lines.flatMap((line) => line.points.map((point) => point[1])).filter((value) => Number.isFinite(value) && (!log || value > 0));
  if (!values.length) {
    svg.append(draw("text", { x: width / 2, y: height / 2, "text-anchor": "middle", opacity: 0.7 }, empty));
    return;
  }
  let low = Math.min(...values);
  let high = Math.max(...values);
  if (log) low = Math.max(low, high * 1e-6);
  else if (low > 0 && low < high / 2) low = 0;
  if (low === high) [low, high] = log ? [low / 2, high * 2] : [low - Math.abs(low || 1) * 0.1, high + Math.abs(high || 1) * 0.1];
  const scale = log ? Math.log10 : Number;
  const [bottom, top] = [scale(low), scale(high) + (scale(high) - scale(low)) * 0.04];
  const right = Math.max(1, steps, ...lines.flatMap((line) => line.points.slice(-1).map((point) => point[0])));
  const x = (step) => MARGIN.left + (step / right) * (width - MARGIN.left - MARGIN.right);
  const y = (value) => height - MARGIN.bottom - ((scale(value) - bottom) / (top - bottom)) * (height - MARGIN.top - MARGIN.bottom);
  for (const value of ticks(low, high, log)) {
    svg.append(draw("line", { x1: MARGIN.left, x2: width - MARGIN.right, y1: y(value), y2: y(value), stroke: "currentColor", opacity: 0.15 }));
    svg.append(draw("text", { x: MARGIN.left - 5, y: y(value) + 4, "text-anchor": "end" }, short(value)));
  }
  for (const value of ticks(0, right, false)) {
    svg.append(draw("text", { x: x(value), y: height - MARGIN.bottom + 14, "text-anchor": "middle" }, short(value)));
  }
  svg.append(draw("line", { x1: MARGIN.left, x2: width - MARGIN.right, y1: height - MARGIN.bottom, y2: height - MARGIN.bottom, stroke: "currentColor", opacity: 0.5 }));
  svg.append(draw("text", { x: width - MARGIN.right, y: height - 4, "text-anchor": "end", opacity: 0.8 }, "optimiser step"));
  for (const line of lines) {
    const points = line.points.filter((point) => Number.isFinite(point[1]) && (!log || point[1] > 0)).map((point) => [x(point[0]), y(Math.max(point[1], low))]);
    const look = { fill: "none", stroke: line.colour, "stroke-width": line.width, "stroke-dasharray": line.dash, "stroke-linejoin": "round" };
    svg.append(draw("path", { ...look, d: points.map((point, place) => `${place ? "L" : "M"}${point[0].toFixed(1)} ${point[1].toFixed(1)}`).join("") }));
    if (line.dots || points.length === 1) for (const point of points) svg.append(draw("circle", { cx: point[0], cy: point[1], r: 3, fill: line.colour }));
  }
}

// What a model has been sent, kept apart from its views: there may be several, also none yet.
function makeStore(model) {
  const store = { rows: new Map(), received: 0, asked: false, views: new Set(), hidden: new Set(), log: null };
  store.receive = (message) => {
    if (message.type !== "rows") return;
    if (message.reset) { store.rows.clear(); store.received = 0; }
    if (message.start > store.received && !store.asked) {
      store.asked = true; // rows were sent before this page was there
      model.send({ type: "all rows" });
    }
    for (const row of message.rows) store.rows.set(row.step, { ...store.rows.get(row.step), ...row });
    store.received = Math.max(store.received, message.start + message.rows.length);
    store.sorted = [...store.rows.values()].sort((one, other) => one.step - other.step);
    for (const view of store.views) view();
  };
  store.sorted = [];
  return store;
}

function render(store, { model, el }) {
  const stop = element("button", { type: "button", class: "stop", title: "Stop after this step; it can go on from there" }, "Stop after this step");
  const bar = element("progress", { "aria-label": "steps done" });
  const title = element("strong");
  const text = element("div", { class: "text" });
  const note = element("div", { class: "note", role: "alert" });
  const table = element("table");
  const panels = element("div", { class: "panels" });
  const root = element("div", { class: "sedlab-training", role: "group", "data-lm-suppress-shortcuts": "true" }, element("style", {}, STYLE), table, element("div", { class: "head" }, title, bar, stop), text, note, panels);
  el.append(root);
  const logButton = element("button", { type: "button", title: "Logarithmic scale" }, "log scale");
  const charts = {};
  for (const [name, heading] of [["loss", "Loss by term"], ["objective", "Objective at validation"], ["lr", "Learning rate"]]) {
    const svg = draw("svg", { role: "img" });
    const key = element("div", { class: "key" });
    charts[name] = { svg, key, panel: element("section", { class: "panel", "aria-label": heading }, element("h4", {}, heading), key, svg) };
    panels.append(charts[name].panel);
  }
  charts.loss.panel.querySelector("h4").append(logButton);
  let pressedAt = 0;
  let timer = 0;

  const points = (name) => store.sorted.filter((row) => row[name] !== undefined).map((row) => [row.step + 1, row[name]]);

  function drawLoss(colours, steps) {
    const names = [...new Set(store.sorted.flatMap((row) => Object.keys(row)))].filter((name) => name.startsWith("loss/"));
    const terms = names.filter((name) => name !== "loss/total");
    const lines = terms.map((name, place) => ({ name, colour: colours.cycle[place % colours.cycle.length], dash: DASHES[place % DASHES.length], width: 1.3, points: points(name) }));
    if (names.includes("loss/total")) lines.unshift({ name: "loss/total", colour: "currentColor", dash: "", width: 2, points: points("loss/total") });
    const shown = lines.filter((line) => !store.hidden.has(line.name));
    const values = shown.flatMap((line) => line.points.map((point) => point[1])).filter((value) => value > 0);
    const log = store.log ?? (values.length > 0 && Math.max(...values) / Math.min(...values) > WIDE_SPAN);
    logButton.setAttribute("aria-pressed", String(log));
    logButton.textContent = log ? "log scale: on" : "log scale: off";
    logButton.onclick = () => { store.log = !log; update(); };
    const totals = points("loss/total");
    chart(charts.loss.svg, shown, { log, steps, label: totals.length ? `Losses by term; total ${short(totals.at(-1)[1])} at step ${totals.at(-1)[0]}` : "Losses by term" });
    const focused = charts.loss.key.contains(document.activeElement) ? document.activeElement.dataset.name : null;
    charts.loss.key.replaceChildren(...lines.map((line) => {
      const button = element("button", { type: "button", "aria-pressed": String(!store.hidden.has(line.name)), "data-name": line.name, title: "Show or hide" }, mark(line), ` ${spoken(line.name)} ${line.points.length ? short(line.points.at(-1)[1]) : ""}`);
      button.onclick = () => { store.hidden.has(line.name) ? store.hidden.delete(line.name) : store.hidden.add(line.name); update(); };
      return button;
    }));
    if (focused) charts.loss.key.querySelector(`[data-name="${CSS.escape(focused)}"]`)?.focus();
  }

  function mark(line) {
    const svg = draw("svg", { viewBox: "0 0 18 8", style: "display:inline-block;width:18px;height:8px", "aria-hidden": "true" });
    svg.append(draw("line", { x1: 0, x2: 18, y1: 4, y2: 4, stroke: line.colour, "stroke-width": 2, "stroke-dasharray": line.dash }));
    return svg;
  }

  function drawPlain(name, lines, steps) {
    const filled = lines.filter((line) => line.points.length);
    const latest = filled.map((line) => `${line.label} ${short(line.points.at(-1)[1])}`).join(", ");
    chart(charts[name].svg, filled, { log: false, steps, empty: name === "objective" ? "no validation yet" : "nothing to draw yet", label: `${charts[name].panel.getAttribute("aria-label")}: ${latest || "nothing yet"}` });
    charts[name].key.replaceChildren(...filled.map((line) => element("span", {}, mark(line), ` ${line.label} ${short(line.points.at(-1)[1])}`)));
  }

  function drawNodes() {
    const nodes = model.get("nodes") || [];
    table.hidden = !nodes.length;
    const focused = table.contains(document.activeElement) ? document.activeElement.dataset.name : null;
    table.replaceChildren(...nodes.map((node) => {
      const name = element("button", { type: "button", "aria-pressed": String(node.name === model.get("title")), "data-name": node.name }, node.name);
      name.disabled = !node.curves;
      name.onclick = () => model.send({ type: "choose", node: node.name });
      const part = element("progress", { max: Math.max(1, node.total), value: node.done, "aria-label": `${node.name} done` });
      return element("tr", {}, element("td", {}, name), element("td", {}, node.state), element("td", {}, node.state === "running" ? part : ""), element("td", {}, node.text));
    }));
    if (focused) table.querySelector(`[data-name="${CSS.escape(focused)}"]`)?.focus();
  }

  function drawAll() {
    const state = model.get("state");
    const working = ["starting", "training", "validating"].includes(state.doing);
    if (title.textContent !== model.get("title")) pressedAt = 0;
    title.textContent = model.get("title");
    bar.max = Math.max(1, state.total);
    bar.value = state.done;
    const words = { starting: "starting", training: "", validating: "", finished: "finished", stopped: "stopped", failed: "failed" };
    text.textContent = [words[state.doing] ?? state.doing, state.text].filter(Boolean).join(": ");
    stop.hidden = !working;
    stop.disabled = Boolean(state.stopping) || pressedAt > 0;
    stop.textContent = stop.disabled ? "Stopping after this step" : "Stop after this step";
    if (state.stopping || !working) { clearTimeout(timer); timer = 0; }
    if (!working) pressedAt = 0;
    const unheard = pressedAt && !state.stopping && Date.now() - pressedAt >= UNHEARD_MS;
    note.textContent = state.message || (unheard ? "The kernel does not hear this button while it works. Interrupt it instead (the square above): the step ends, and the training can go on from there." : "");
    note.hidden = !note.textContent;
    drawNodes();
    for (const part of [panels, title.parentElement, text]) part.hidden = !model.get("title");
    title.parentElement.style.display = model.get("title") ? "" : "none";
    const colours = isDark() ? DARK : LIGHT;
    drawLoss(colours, state.total);
    drawPlain("objective", [
      { label: "student", colour: colours.student, dash: "", width: 1.8, dots: true, points: points("val/objective") },
      { label: "teacher", colour: colours.teacher, dash: "6 3", width: 1.8, dots: true, points: points("val/teacher/objective") },
    ], state.total);
    drawPlain("lr", [{ label: "largest of all groups", colour: colours.student, dash: "", width: 1.5, points: points("lr") }], state.total);
  }

  // An error reaches the person, not only the browser's console.
  function update() {
    try {
      drawAll();
    } catch (error) {
      note.hidden = false;
      note.textContent = `The curves cannot be drawn: ${error.message}`;
    }
  }

  stop.onclick = () => {
    pressedAt = Date.now();
    timer = setTimeout(update, UNHEARD_MS + 100);
    model.send(model.get("nodes")?.length ? { type: "stop", node: model.get("title") } : { type: "stop" });
    update();
  };

  const resized = new ResizeObserver(() => requestAnimationFrame(update));
  resized.observe(panels);
  const themed = new MutationObserver(update);
  themed.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name"] });
  const changes = ["change:state", "change:title", "change:nodes"];
  for (const change of changes) model.on(change, update);
  store.views.add(update);
  update();
  return () => {
    clearTimeout(timer);
    resized.disconnect();
    themed.disconnect();
    store.views.delete(update);
    for (const change of changes) model.off(change, update);
  };
}

export default () => {
  let store;
  return {
    initialize({ model }) {
      store = makeStore(model);
      model.on("msg:custom", store.receive);
      return () => model.off("msg:custom", store.receive);
    },
    render: (context) => render(store, context),
  };
};
