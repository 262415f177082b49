// The browser's half of ClipList: filters above the table of clips, and what ties the table to the player.
import { makeColumns } from "./clip_columns.js";
import { makeControls } from "./clip_controls.js";
import { anyOther, rowsLeft } from "./clip_filters.js";
import { addListKeys } from "./clip_keys.js";
import { fillColumns, hideChosen, nameTable, placed, placeRows, seekTable, showRow } from "./clip_table.js";

const MORE_AFTER_MS = 50;
const MARK_AFTER_MS = 40;
const SETTLED_AFTER_MS = 3000;

/** Say whether two lists hold the same. */
function same(one, other) {
  return one.length === other.length && one.every((value, place) => value === other[place]);
}

async function render({ model, el }) {
  const signal = { stopped: false };
  const off = [];
  const root = document.createElement("div");
  root.className = "sedlab-clip-controls";
  el.append(root);

  const list = makeColumns(model.get("columns"), model.get("classes").map(({ label }) => label));
  const { columns, keys } = list;
  const rowOf = new Map(keys.map((key, row) => [key, row]));
  const putAway = new Set();
  let filters = { ...model.get("filters") };
  let api = null;
  let order = keys.map((_key, row) => row);
  let left = new Uint8Array(keys.length).fill(1);
  let marked;
  let marking = 0;
  let quiet = false;
  let drawing = 0;
  let isPlaced = false;

  const listen = (target, names, listener) => {
    for (const name of names.split(" ")) {
      target.on(name, listener);
      off.push(() => target.off(name, listener));
    }
  };
  const controls = makeControls(root, columns, model.get("classes"), {
    change(changes) { setFilters({ ...filters, ...changes }); },
    random: () => goAnywhere(),
    reset() { setFilters({ label: "", relation: "either", choices: {}, ranges: {} }); api?.search("").order([]); model.set("narrowed", {}); model.save_changes(); },
    widen() { model.set("narrowed", {}); model.save_changes(); },
  });

  const explorer = await placed(el, signal);
  const player = await model.widget_manager.get_model(model.get("player").replace("IPY_MODEL_", ""));
  if (signal.stopped) return;

  function setFilters(next) {
    const classChanged = next.label !== filters.label;
    filters = next;
    model.set("filters", filters);
    model.save_changes();
    if (classChanged) fillTable();
    redraw();
  }

  /** Sort and filter at most once a frame. */
  function redraw() {
    controls.show(filters, model.get("narrowed"));
    if (drawing) return;
    drawing = requestAnimationFrame(() => {
      drawing = 0;
      left = rowsLeft(keys.length, list.values(), { ...filters, rows: model.get("narrowed").rows });
      if (!api) return;
      hideChosen(api, columns, filters.choices, putAway);
      api.draw();
    });
  }

  /** List narrowed rows in the order in which they were given. */
  function placeNarrowed() {
    const { rows } = model.get("narrowed");
    if (!api || (!rows && !isPlaced)) return;
    isPlaced = Boolean(rows);
    placeRows(api, columns.length, rows);
  }

  /** Put the numbers of the chosen class, or the clips' own, into the columns and the table. */
  function fillTable() {
    list.choose(filters.label);
    controls.measure(filters);
    if (api) fillColumns(api, columns);
  }

  function attach(found) {
    api = found;
    nameTable(api);
    api.search.fixed("sedlab", (_text, _data, row) => left[row] === 1);
    const choose = (_event, _table, type, rows) => {
      if (type !== "row" || quiet) return;
      marked = rows[0];
      go(rows[0]);
    };
    api.on("select", choose);
    off.push(() => found.off("select", choose));
    fillTable();
    placeNarrowed();
    redraw();
    setTimeout(askForMore, MORE_AFTER_MS);
  }

  function onDraw(event) {
    const found = event.target.sedlabApi;
    if (!found) return;
    if (api?.table().node() !== event.target) {
      attach(found);
      return;
    }
    const next = api.rows({ order: "applied", search: "applied" }).indexes().toArray();
    controls.count(next.length, keys.length, next.indexOf(rowOf.get(player.get("key"))));
    if (same(next, order)) {
      mark(false);
      return;
    }
    order = next;
    const queue = order.map((row) => keys[row]);
    player.set("queue", queue);
    player.save_changes();
    model.set("order", order);
    model.save_changes();
    mark(false);
  }

  function go(row) {
    if (row < 0 || row === undefined || keys[row] === player.get("key")) return;
    // The player hears of each at once: a clip that it has already would be framed on the case of the one before.
    for (const [name, value] of [["focus", {}], ["span", []], ["selection", []], ["key", keys[row]]]) player.set(name, value);
    player.save_changes();
  }

  function goAnywhere() { go(anyOther(order, rowOf.get(player.get("key")))); }

  /** Mark the row of the clip in view; `follow`: turn to its page and scroll to it. */
  function mark(follow) {
    const row = rowOf.get(player.get("key"));
    const place = order.indexOf(row);
    controls.count(order.length, keys.length, place);
    if (!api) return;
    quiet = true;
    if (marked !== row) {
      if (marked !== undefined) api.row(marked).deselect();
      if (row !== undefined) api.row(row).select();
      marked = row;
    }
    quiet = false;
    if (follow && place >= 0) showRow(api, row, place);
  }

  /** Ask for more numbers; once there are none left, say that it is calm. */
  function askForMore() {
    if (signal.stopped) return;
    if (model.get("more")) model.send({ type: "more" });
    else setTimeout(() => { if (!signal.stopped) model.send({ type: "settled" }); }, SETTLED_AFTER_MS);
  }

  function receive(content, buffers) {
    if (content.type !== "columns") return;
    list.take(content.columns, buffers);
    if (content.asked) controls.progress(content.done, content.total, content.what);
    if (content.columns.length) {
      fillTable();
      redraw();
    }
    if (content.asked) setTimeout(askForMore, MORE_AFTER_MS);
  }

  // JupyterLab takes keys from whatever has the focus, unless that element itself says no.
  const keepKeys = (event) => event.target.setAttribute?.("data-lm-suppress-shortcuts", "true");
  explorer.addEventListener("focusin", keepKeys);
  off.push(() => explorer.removeEventListener("focusin", keepKeys));
  // Long texts are cut to the width of their column.
  const tellWhole = ({ target }) => { if (target.closest?.(".sedlab-clip-table td")) target.title = target.textContent; };
  explorer.addEventListener("mouseover", tellWhole);
  off.push(() => explorer.removeEventListener("mouseover", tellWhole));
  explorer.addEventListener("sedlab-draw", onDraw);
  off.push(() => explorer.removeEventListener("sedlab-draw", onDraw));
  const place = () => order.indexOf(rowOf.get(player.get("key")));
  off.push(addListKeys(explorer, el, { order: () => order, place, other: () => anyOther(order, rowOf.get(player.get("key"))), go }));
  // The player draws first: its clip is what somebody waits for.
  listen(player, "change:key", () => {
    clearTimeout(marking);
    marking = setTimeout(() => mark(true), MARK_AFTER_MS);
  });
  off.push(() => clearTimeout(marking));
  listen(model, "change:narrowed", () => { placeNarrowed(); redraw(); });
  listen(model, "change:filters", () => {
    const next = model.get("filters");
    if (JSON.stringify(next) === JSON.stringify(filters)) return;
    setFilters({ ...next });
  });
  listen(model, "msg:custom", receive);
  controls.show(filters, model.get("narrowed"));
  controls.measure(filters);
  if (model.get("more")) controls.progress(0, 1, "");
  off.push(seekTable({ explorer, attach: (found) => api || attach(found), ask: () => model.send({ type: "table" }) }));

  const dispose = () => {
    signal.stopped = true;
    cancelAnimationFrame(drawing);
    for (const undo of off) undo();
  };
  if (!el.isConnected) dispose();
  return dispose;
}

export default { render };
