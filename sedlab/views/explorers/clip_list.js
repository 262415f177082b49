// The browser's half of ClipList: filters above the table of clips, and what ties the table to the player.
import { makeControls } from "./clip_controls.js";
import { anyOther, rowsLeft } from "./clip_filters.js";

const MORE_AFTER_MS = 50;
const MARK_AFTER_MS = 40;
const SETTLED_AFTER_MS = 3000;

/** Resolve once an element stands in the page; views are made before they are put in their place. */
function placed(el, signal) {
  return new Promise((resolve) => {
    const look = () => {
      if (signal.stopped) return;
      if (el.isConnected && el.closest(".sedlab-explorer")) resolve(el.closest(".sedlab-explorer"));
      else requestAnimationFrame(look);
    };
    look();
  });
}

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

  const columns = model.get("columns").map((column) => ({ ...column }));
  const keys = columns[0].values;
  const rowOf = new Map(keys.map((key, row) => [key, row]));
  const classes = model.get("classes").map(({ label }) => label);
  const byClass = new Map();
  const putAway = new Set();
  let filters = { ...model.get("filters") };
  let api = null;
  let order = keys.map((_key, row) => row);
  let left = new Uint8Array(keys.length).fill(1);
  let marked;
  let marking = 0;
  let quiet = false;
  let drawing = 0;

  const listen = (target, names, listener) => {
    for (const name of names.split(" ")) {
      target.on(name, listener);
      off.push(() => target.off(name, listener));
    }
  };
  const values = () => Object.fromEntries(columns.map((column) => [column.name, column.values]));
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

  /** A column in which one value is chosen says nothing; it comes back with the others. */
  function hideChosen() {
    columns.forEach(({ name, kind }, at) => {
      if (kind !== "choice" || at === 0) return;
      const isChosen = Boolean(filters.choices?.[name]);
      if (isChosen && api.column(at).visible()) {
        api.column(at).visible(false, false);
        putAway.add(at);
      } else if (!isChosen && putAway.delete(at)) api.column(at).visible(true, false);
    });
  }

  /** Sort and filter at most once a frame. */
  function redraw() {
    controls.show(filters, model.get("narrowed"));
    if (drawing) return;
    drawing = requestAnimationFrame(() => {
      drawing = 0;
      left = rowsLeft(keys.length, values(), { ...filters, rows: model.get("narrowed").rows });
      if (!api) return;
      hideChosen();
      api.draw();
    });
  }

  /** List narrowed rows in the order in which they were given, until somebody sorts; otherwise as they came. */
  function placeRows() {
    if (!api) return;
    const { rows } = model.get("narrowed");
    const data = api.rows({ order: "index" }).data();
    for (let row = 0; row < keys.length; row += 1) data[row][columns.length] = row;
    (rows ?? []).forEach((row, place) => { data[row][columns.length] = place; });
    api.rows().invalidate("data");
    if (rows) api.search("").order([[columns.length, "asc"]]);
    else if (api.order()[0]?.[0] === columns.length) api.order([]);
  }

  /** Put the numbers of the chosen class, or the clips' own, into the columns and the table. */
  function fillTable() {
    const place = classes.indexOf(filters.label);
    for (const column of columns) {
      const table = byClass.get(column.name);
      if (table) column.values = table.subarray((place + 1) * keys.length, (place + 2) * keys.length);
    }
    controls.measure(filters);
    if (!api) return;
    const data = api.rows({ order: "index" }).data();
    columns.forEach((column, at) => {
      if (at === 0 || !column.late) return;
      for (let row = 0; row < keys.length; row += 1) {
        data[row][at] = column.kind === "classes" ? column.shown[row] : column.values[row];
      }
    });
    api.rows().invalidate("data");
  }

  /** The part of the table that scrolls. */
  function scrollFrame() { return api.table().node().closest(".dt-layout-table"); }

  function attach(found) {
    api = found;
    const frame = scrollFrame();
    frame.tabIndex = 0;
    frame.setAttribute("role", "region");
    frame.setAttribute("aria-label", "List of clips; up and down open the next ones");
    api.search.fixed("sedlab", (_text, _data, row) => left[row] === 1);
    const choose = (_event, _table, type, rows) => {
      if (type !== "row" || quiet) return;
      marked = rows[0];
      go(rows[0]);
    };
    api.on("select", choose);
    off.push(() => found.off("select", choose));
    fillTable();
    placeRows();
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
    for (const [name, value] of [["key", keys[row]], ["span", []], ["selection", []], ["focus", {}]]) player.set(name, value);
    player.save_changes();
  }

  function goAnywhere() { go(anyOther(order, rowOf.get(player.get("key")))); }

  function step(by) {
    const place = order.indexOf(rowOf.get(player.get("key"))) + by;
    if (place >= 0 && place < order.length) go(order[place]);
  }

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
    if (!follow || place < 0) return;
    const page = Math.floor(place / api.page.len());
    if (page !== api.page()) api.page(page).draw("page");
    const node = api.row(row).node();
    const frame = scrollFrame();
    if (!node || !frame) return;
    const [inside, around] = [node.getBoundingClientRect(), frame.getBoundingClientRect()];
    const head = api.table().header().getBoundingClientRect().height;
    if (inside.top < around.top + head) frame.scrollTop += inside.top - around.top - head;
    else if (inside.bottom > around.bottom) frame.scrollTop += inside.bottom - around.bottom;
  }

  /** Ask for more numbers; once there are none left, say that it is calm. */
  function askForMore() {
    if (signal.stopped) return;
    if (model.get("more")) model.send({ type: "more" });
    else setTimeout(() => { if (!signal.stopped) model.send({ type: "settled" }); }, SETTLED_AFTER_MS);
  }

  function receive(content, buffers) {
    if (content.type !== "columns") return;
    content.columns.forEach((told) => {
      const column = columns.find(({ name }) => name === told.name);
      column.late = true;
      if (told.values) {
        column.values = told.values;
        column.shown = told.shown ?? told.values;
        return;
      }
      const bytes = buffers[told.buffer];
      const numbers = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
      if (told.classes) byClass.set(column.name, numbers);
      column.values = numbers.subarray(0, keys.length);
    });
    if (content.asked) controls.progress(content.done, content.total, content.what);
    if (content.columns.length) {
      fillTable();
      redraw();
    }
    if (content.asked) setTimeout(askForMore, MORE_AFTER_MS);
  }

  function onKeyDown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const field = event.target.closest?.("input, select, textarea, [contenteditable=true]");
    if (field) return;
    const inTable = event.target.closest?.(".sedlab-clip-table .dt-layout-table") && !event.target.closest("thead");
    const moves = { n: 1, p: -1, ...(inTable ? { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 } : {}) };
    if (event.key === "r") goAnywhere();
    else if (event.key in moves && (inTable || el.contains(event.target))) {
      const place = order.indexOf(rowOf.get(player.get("key"))) + moves[event.key];
      if (Math.abs(moves[event.key]) === 1) step(moves[event.key]);
      else go(order[Math.max(0, Math.min(order.length - 1, place))]);
    } else if (inTable && event.key === "Home") go(order[0]);
    else if (inTable && event.key === "End") go(order[order.length - 1]);
    else return;
    event.preventDefault();
    event.stopPropagation();
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
  explorer.addEventListener("keydown", onKeyDown);
  off.push(() => explorer.removeEventListener("sedlab-draw", onDraw));
  off.push(() => explorer.removeEventListener("keydown", onKeyDown));
  // The player draws first: its clip is what somebody waits for.
  listen(player, "change:key", () => {
    clearTimeout(marking);
    marking = setTimeout(() => mark(true), MARK_AFTER_MS);
  });
  off.push(() => clearTimeout(marking));
  listen(model, "change:narrowed", () => { placeRows(); redraw(); });
  listen(model, "change:filters", () => {
    const next = model.get("filters");
    if (JSON.stringify(next) === JSON.stringify(filters)) return;
    setFilters({ ...next });
  });
  listen(model, "msg:custom", receive);
  controls.show(filters, model.get("narrowed"));
  controls.measure(filters);
  if (model.get("more")) controls.progress(0, 1, "");
  const there = explorer.querySelector(".itables_anywidget table.dataTable");
  if (there?.sedlabApi) attach(there.sedlabApi);

  const dispose = () => {
    signal.stopped = true;
    cancelAnimationFrame(drawing);
    for (const undo of off) undo();
  };
  if (!el.isConnected) dispose();
  return dispose;
}

export default { render };
