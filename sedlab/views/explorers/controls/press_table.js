// The browser's half of PressTable: a table that sorts, with buttons for rows and for the parts of their bars.

import { element } from "../../player/element.js";
import { rootOf } from "./parts.js";

const STYLE = `
.sedlab-press-table { --lost: #B84700; --kept: #767676; --gained: #0072B2; container-type: inline-size; overflow-x: auto; max-width: 100%; max-height: 560px; overflow-y: auto; color: var(--jp-ui-font-color1, #222); font: 12px/1.4 var(--jp-ui-font-family, sans-serif); }
.sedlab-press-table table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
.sedlab-press-table caption { text-align: left; font-weight: bold; padding: 2px 0; }
.sedlab-press-table th { position: sticky; top: 0; z-index: 2; padding: 0; background: var(--jp-layout-color0, #fff); border-bottom: 1px solid var(--jp-border-color1, #999); text-align: right; vertical-align: bottom; }
.sedlab-press-table th:first-child, .sedlab-press-table td:first-child, .sedlab-press-table .text { text-align: left; }
.sedlab-press-table th button, .sedlab-press-table td:first-child button { font: inherit; color: inherit; background: none; border: 0; padding: 2px 4px; cursor: pointer; text-align: inherit; }
.sedlab-press-table th button { font-weight: bold; width: 100%; }
.sedlab-press-table td:first-child button { text-decoration: underline; text-decoration-color: var(--jp-border-color1, #999); text-underline-offset: 2px; }
.sedlab-press-table td { padding: 1px 4px; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--jp-border-color2, #ddd); }
.sedlab-press-table tr.faint td { color: var(--jp-ui-font-color2, #666); font-style: italic; }
.sedlab-press-table tr.fixed td { font-weight: bold; }
.sedlab-press-table .bars { width: 100%; min-width: 200px; padding: 1px 6px; }
.sedlab-press-table .lane { position: relative; height: 22px; }
.sedlab-press-table .lane::before { content: ""; position: absolute; top: -2px; bottom: -2px; left: var(--axis); border-left: 1px solid currentColor; }
.sedlab-press-table .bar { position: absolute; top: 1px; height: 20px; min-width: 7px; padding: 0; border: 1px solid var(--jp-layout-color0, #fff); cursor: pointer; background: var(--fill); }
.sedlab-press-table .lost { --fill: repeating-linear-gradient(135deg, var(--lost) 0 4px, color-mix(in srgb, var(--lost) 60%, #fff) 4px 6px); }
.sedlab-press-table .kept { --fill: var(--kept); }
.sedlab-press-table .gained { --fill: var(--gained); }
.sedlab-press-table tr.faint .bar { opacity: .55; }
.sedlab-press-table [aria-pressed="true"] { outline: 3px solid var(--jp-ui-font-color1, #222); z-index: 1; }
.sedlab-press-table button:focus-visible { outline: 3px solid var(--jp-brand-color1, #1976d2); outline-offset: 1px; z-index: 1; }
.sedlab-press-table .legend { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 14px; padding: 2px 0; }
.sedlab-press-table .legend i { display: inline-block; width: 22px; height: 12px; margin-right: 5px; background: var(--fill); }
.sedlab-press-table .legend label { margin-left: auto; }
@container (max-width: 820px) { .sedlab-press-table .minor2 { display: none; } }
@container (max-width: 480px) { .sedlab-press-table .minor1 { display: none; } .sedlab-press-table .bars { min-width: 110px; } }
`;

/** Return rows sorted by a column; those that are fixed stay on top, empty cells come last. */
export function sortedRows(rows, column, descending) {
  const turn = descending ? -1 : 1;
  const compare = (a, b) => {
    if (a.fixed !== b.fixed) return a.fixed ? -1 : 1;
    const [one, other] = [a.cells[column], b.cells[column]].map((value) => value ?? null);
    if (one === null || other === null) return (one === null) - (other === null);
    return turn * (typeof one === "number" ? one - other : String(one).localeCompare(String(other)));
  };
  return column ? [...rows].sort(compare) : [...rows].sort((a, b) => b.fixed - a.fixed);
}

/** Return where the bars of a row lie, [{part, told, start, width}] in % of the lane, and where the axis does. */
export function barPlaces(row, rows, share) {
  const size = (one) => (share ? one.bars.reduce((sum, bar) => sum + bar.value, 0) || 1 : 1);
  const side = (one, left) => one.bars.filter((bar) => bar.left === left).reduce((sum, bar) => sum + bar.value, 0) / size(one);
  // The row of all classes together would make all others thin.
  const others = rows.some((one) => !one.fixed) ? rows.filter((one) => !one.fixed) : rows;
  const scaled = share ? rows : others;
  const [left, right] = [true, false].map((which) => Math.max(0, ...scaled.map((one) => side(one, which))));
  const full = left + right || 1;
  const axis = (100 * left) / full;
  const fit = (most, own) => (own > most ? most / own : 1);
  const shrink = Math.min(fit(left, side(row, true)), fit(right, side(row, false)));
  const places = [];
  const ends = { true: axis, false: axis };
  for (const bar of row.bars) {
    if (!(bar.value > 0)) continue;
    const width = (100 * shrink * bar.value) / size(row) / full;
    places.push({ part: bar.part, told: bar.told, start: bar.left ? ends.true - width : ends.false, width });
    ends[bar.left] += bar.left ? -width : width;
  }
  return { axis, places };
}

/** Return a cell as text. */
export function written(value, column) {
  if (value === null || value === undefined) return "";
  return column.digits === null ? String(value) : `${value.toFixed(column.digits)}${column.unit}`;
}

function render({ model, el }) {
  const root = rootOf(el, "press-table", STYLE);
  let sort = { column: "", descending: true };
  let share = true;
  let focused = ["", ""];

  const press = (row, part) => model.send({ type: "press", row, part });
  const buttons = () => [...root.querySelectorAll("tbody button")];

  function headOf(column, contents) {
    const sorted = sort.column === column.name;
    const turn = () => {
      sort = { column: column.name, descending: sorted ? !sort.descending : column.digits !== null };
      draw();
      root.querySelector(`th[data-name="${column.name}"] button`).focus();
    };
    const arrow = sorted ? (sort.descending ? " ▾" : " ▴") : "";
    const order = sorted ? (sort.descending ? "descending" : "ascending") : "none";
    return element(
      "th", { scope: "col", "data-name": column.name, "aria-sort": order, class: kindOf(column) },
      element("button", { type: "button", onclick: turn, title: `Sort by ${column.title}` }, column.title + arrow),
    );
  }

  const kindOf = (column) => [column.minor && `minor${column.minor}`, column.digits === null && "text"].filter(Boolean).join(" ") || null;

  function buttonOf(row, part, told, attributes, ...children) {
    const pressed = model.get("pressed");
    return element("button", {
      type: "button", "data-row": row.name, "data-part": part, "aria-label": told, title: told, tabindex: -1,
      "aria-pressed": String(pressed[0] === row.name && pressed[1] === part), onclick: () => press(row.name, part), ...attributes,
    }, ...children);
  }

  function rowOf(row, contents) {
    const cells = contents.columns.map((column, place) => {
      const text = written(row.cells[column.name], column);
      return element("td", { class: kindOf(column) }, place ? text : buttonOf(row, "", row.told, {}, text));
    });
    if (contents.bars) {
      const { axis, places } = barPlaces(row, contents.rows, share);
      const lane = element("div", { class: "lane", style: `--axis: ${axis}%` });
      for (const place of places) {
        lane.append(buttonOf(row, place.part, place.told, { class: `bar ${place.part}`, style: `left: ${place.start}%; width: ${place.width}%` }));
      }
      cells.splice(1, 0, element("td", { class: "bars" }, lane));
    }
    return element("tr", { class: [row.faint && "faint", row.fixed && "fixed"].filter(Boolean).join(" ") || null }, ...cells);
  }

  function legendOf(contents) {
    const keys = contents.parts.map((part) => element("span", {}, element("i", { class: part }), part));
    const box = element("input", { type: "checkbox", onchange: () => { share = box.checked; draw(); root.querySelector(".legend input").focus(); } });
    box.checked = share;
    return element("div", { class: "legend" }, ...keys, element("label", {}, box, " bars as shares of each class"));
  }

  function draw() {
    const contents = model.get("contents");
    const had = root.contains(document.activeElement) && document.activeElement.dataset.row !== undefined;
    const scroll = root.scrollTop;
    root.replaceChildren();
    if (!contents.rows?.length) return;
    const heads = contents.columns.map((column) => headOf(column, contents));
    if (contents.bars) heads.splice(1, 0, element("th", { scope: "col", class: "text" }, contents.bars));
    if (contents.bars) root.append(legendOf(contents));
    root.append(element(
      "table", {}, element("caption", {}, contents.title), element("thead", {}, element("tr", {}, ...heads)),
      element("tbody", {}, ...sortedRows(contents.rows, sort.column, sort.descending).map((row) => rowOf(row, contents))),
    ));
    root.scrollTop = scroll;
    const same = buttons().find((button) => button.dataset.row === focused[0] && button.dataset.part === focused[1]);
    const first = same ?? buttons()[0];
    first.tabIndex = 0;
    if (had) first.focus();
  }

  /** Go to the button that an arrow key leads to: along the row, or the same part of another row. */
  function move(event) {
    const from = event.target.closest("tbody button");
    if (!from) return;
    const rows = [...root.querySelectorAll("tbody tr")].map((row) => [...row.querySelectorAll("button")]);
    const row = rows.findIndex((list) => list.includes(from));
    const place = rows[row].indexOf(from);
    const below = (step) => {
      const list = rows[row + step];
      return list && (list.find((button) => button.dataset.part === from.dataset.part) ?? list[Math.min(place, list.length - 1)]);
    };
    const to = {
      ArrowRight: () => rows[row][place + 1], ArrowLeft: () => rows[row][place - 1], ArrowDown: () => below(1), ArrowUp: () => below(-1),
      Home: () => rows[0][0], End: () => rows.at(-1)[0],
    }[event.key];
    if (!to) return;
    event.preventDefault();
    to()?.focus();
  }

  function note(event) {
    const button = event.target.closest("tbody button");
    if (!button) return;
    for (const other of buttons()) other.tabIndex = other === button ? 0 : -1;
    focused = [button.dataset.row, button.dataset.part];
  }

  root.addEventListener("keydown", move);
  root.addEventListener("focusin", note);
  model.on("change:contents change:pressed", draw);
  draw();
  return () => model.off("change:contents change:pressed", draw);
}

export default { render };
