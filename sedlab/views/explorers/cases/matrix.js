// A table of counts whose cells are buttons: arrow keys move, Enter or a press opens the cases of a cell.

import { cellName, cellShare, cellShade, cellAfterKey, columnGroups } from "./cells.js";

function part(tag, className = "", text = "", attributes = {}) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function offerFile(name, type, bytes) {
  const url = URL.createObjectURL(new Blob([bytes], { type }));
  const link = part("a", "", "", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function matrixTable(content, press) {
  const { title, rows, columns, cells } = content;
  const table = part("table", "sedlab-matrix-table", "", { role: "grid" });
  const caption = part("caption");
  caption.append(part("span", "sedlab-matrix-title", title));
  table.append(caption);
  const head = part("thead");
  const groups = columnGroups(columns);
  if (groups.some(([name]) => name)) {
    const line = part("tr");
    line.append(part("td", "sedlab-matrix-corner"));
    for (const [name, span] of groups) {
      const attributes = { colspan: span, scope: "colgroup" };
      line.append(name ? part("th", "sedlab-matrix-group", name, attributes) : part("td", "", "", { colspan: span }));
    }
    head.append(line);
  }
  const names = part("tr");
  names.append(part("th", "sedlab-matrix-corner", content.corner || "Class", { scope: "col" }));
  for (const column of columns) names.append(part("th", "", column.name, { scope: "col" }));
  head.append(names);
  const body = part("tbody");
  const buttons = rows.map((row, r) => {
    const line = part("tr");
    line.append(part("th", row.label === "all" ? "sedlab-matrix-all" : "", row.name, { scope: "row" }));
    const made = columns.map((column, c) => {
      const cell = cells[r][c];
      const button = part("button", "sedlab-matrix-cell", cell.count ? String(cell.count) : "·", {
        type: "button", tabindex: "-1", title: cellShare(cell), "aria-label": cellName(row, column, cell),
      });
      if (!cell.count) button.setAttribute("aria-disabled", "true");
      button.style.backgroundColor = cellShade(cell);
      button.addEventListener("click", () => press(r, c));
      const place = part("td");
      place.append(button);
      line.append(place);
      return button;
    });
    body.append(line);
    return made;
  });
  table.append(head, body);
  return { table, buttons };
}

function render({ model, el }) {
  const root = part("div", "sedlab-matrix", "", { "data-lm-suppress-shortcuts": "true" });
  el.append(root);
  let buttons = [];
  let at = [0, 0];

  function settle(place, focus) {
    buttons[at[0]]?.[at[1]]?.setAttribute("tabindex", "-1");
    at = place;
    const button = buttons[at[0]]?.[at[1]];
    button?.setAttribute("tabindex", "0");
    if (focus) button?.focus();
  }

  function press(r, c) {
    settle([r, c], true);
    const { rows, columns, cells } = model.get("content");
    if (cells[r][c].count) model.send({ type: "open", row: rows[r].label, column: columns[c].label });
  }

  function onKey(event) {
    if (event.altKey || event.metaKey) return;
    const size = [buttons.length, buttons[0]?.length || 0];
    const next = cellAfterKey(at, { key: event.key, ctrl: event.ctrlKey }, size);
    if (next) {
      settle(next, true);
      event.preventDefault();
    }
    event.stopPropagation();
  }

  function mark() {
    const { rows = [], columns = [] } = model.get("content");
    const [row, column] = model.get("cell");
    buttons.forEach((line, r) => line.forEach((button, c) => {
      const opened = rows[r].label === row && columns[c].label === column;
      button.setAttribute("aria-pressed", String(opened));
    }));
  }

  function draw() {
    const content = model.get("content");
    const focused = root.contains(document.activeElement);
    root.replaceChildren();
    buttons = [];
    if (!content.rows?.length) {
      root.append(part("p", "sedlab-matrix-empty", "Nothing was annotated, and nothing detected."));
      return;
    }
    const made = matrixTable(content, press);
    buttons = made.buttons;
    root.append(made.table);
    settle([Math.min(at[0], buttons.length - 1), Math.min(at[1], buttons[0].length - 1)], focused);
    mark();
  }

  function receive(message, buffers) {
    if (message.type === "file") offerFile(message.name, message.mime, buffers[0]);
  }

  root.addEventListener("keydown", onKey);
  model.on("change:content", draw);
  model.on("change:cell", mark);
  model.on("msg:custom", receive);
  draw();
  return () => {
    model.off("change:content", draw);
    model.off("change:cell", mark);
    model.off("msg:custom", receive);
  };
}

export default { render };
