// How a list of clips finds its place in the page and its table, and what it does to that table (DataTables' API).

const LOOK_AFTER_MS = 40;
/** The table is asked for without a clip that was drawn after this time. */
const TABLE_AFTER_MS = 1500;

/** Resolve with the explorer once an element stands in one; views are made before they are put in their place. */
export function placed(el, signal) {
  return new Promise((resolve) => {
    const look = () => {
      if (signal.stopped) return;
      if (el.isConnected && el.closest(".sedlab-explorer")) resolve(el.closest(".sedlab-explorer"));
      else requestAnimationFrame(look);
    };
    look();
  });
}

/**
 * Give DataTables' API of the explorer's table to `attach`; `ask` is called for it when the first clip is drawn.
 *
 * Making the table takes the browser longer than all else, so the clip comes before it. Returns what ends the search.
 */
export function seekTable({ explorer, attach, ask }) {
  let isFound = false;
  // A table is drawn before it stands in the page, where nobody hears of it.
  function look() {
    const api = explorer.querySelector(".itables_anywidget table.dataTable")?.sedlabApi;
    if (!api) return;
    end();
    attach(api);
  }
  function askOnce() {
    stopAsking();
    if (!isFound) ask();
  }
  function stopAsking() {
    clearTimeout(asking);
    explorer.removeEventListener("sedlab-drawn", askOnce, true);
  }
  function end() {
    isFound = true;
    clearInterval(looking);
    stopAsking();
  }
  const looking = setInterval(look, LOOK_AFTER_MS);
  const asking = setTimeout(askOnce, TABLE_AFTER_MS);
  explorer.addEventListener("sedlab-drawn", askOnce, true);
  look();
  return end;
}

/** Hide a column in which one value is chosen, as it says nothing; it comes back with the others. `away`: the hidden. */
export function hideChosen(api, columns, choices, away) {
  columns.forEach(({ name, kind }, at) => {
    if (kind !== "choice" || at === 0) return;
    const isChosen = Boolean(choices?.[name]);
    if (isChosen && api.column(at).visible()) {
      api.column(at).visible(false, false);
      away.add(at);
    } else if (!isChosen && away.delete(at)) api.column(at).visible(true, false);
  });
}

/** Write the values of the columns that came later into the table. */
export function fillColumns(api, columns) {
  if (!columns.some(({ late }) => late)) return;
  const data = api.rows({ order: "index" }).data();
  columns.forEach((column, at) => {
    if (at === 0 || !column.late) return;
    for (let row = 0; row < data.length; row += 1) {
      data[row][at] = column.kind === "classes" ? column.shown[row] : column.values[row];
    }
  });
  api.rows().invalidate("data");
}

/** List `rows` in their order by the hidden column `at`, until somebody sorts; without any all, as they came. */
export function placeRows(api, at, rows) {
  const data = api.rows({ order: "index" }).data();
  for (let row = 0; row < data.length; row += 1) data[row][at] = row;
  (rows ?? []).forEach((row, place) => { data[row][at] = place; });
  api.rows().invalidate("data");
  if (rows) api.search("").order([[at, "asc"]]);
  else if (api.order()[0]?.[0] === at) api.order([]);
}

/** The part of the table that scrolls. */
function scrollFrame(api) { return api.table().node().closest(".dt-layout-table"); }

/** Let the table be reached and scrolled by keys, with a name for those who do not see it. */
export function nameTable(api) {
  const frame = scrollFrame(api);
  frame.tabIndex = 0;
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", "List of clips; up and down open the next ones");
}

/** Turn to the page of a row, whose `place` is that in the order shown, and scroll to it. */
export function showRow(api, row, place) {
  const page = Math.floor(place / api.page.len());
  if (page !== api.page()) api.page(page).draw("page");
  const node = api.row(row).node();
  const frame = scrollFrame(api);
  if (!node || !frame) return;
  const [inside, around] = [node.getBoundingClientRect(), frame.getBoundingClientRect()];
  const head = api.table().header().getBoundingClientRect().height;
  if (inside.top < around.top + head) frame.scrollTop += inside.top - around.top - head;
  else if (inside.bottom > around.bottom) frame.scrollTop += inside.bottom - around.bottom;
}
