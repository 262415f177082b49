// The controls above a list of clips: class, choices, ranges, a random clip, and how many are left.
import { element } from "../player/element.js";
import { choicesOf, extent, RELATIONS } from "./clip_filters.js";

const STEPS = 200;
const MOST_CHOICES = 40;

function chooser(title, options, onchange) {
  const select = element("select", { onchange: () => onchange(select.value) });
  for (const [value, text] of options) select.append(element("option", { value }, text));
  return { select, node: element("label", {}, title, " ", select) };
}

/** Return a number of a column with as many digits as tell two steps of its range apart. */
function spelt(value, [low, high], digits) {
  return value.toFixed(digits === 0 ? 0 : high - low > 2 ? 1 : 3);
}

/** Put the controls into `root`; `on`: {change(filters), random(), reset(), widen()}. */
export function makeControls(root, columns, classes, on) {
  const label = chooser("Class", [["", "all"], ...classes.map((one) => [one.label, one.name])], (value) => on.change({ label: value }));
  const relation = chooser("is", Object.entries(RELATIONS).map(([name, { told }]) => [name, told]), (value) => on.change({ relation: value }));
  relation.select.setAttribute("aria-label", "How the class occurs");
  const choosers = {};
  const choiceColumns = columns.filter(({ kind }) => kind === "choice");
  const choices = element("span", { class: "choices" });
  const counted = element("span", { role: "status", class: "counted" });
  const working = element("span", { class: "working" });
  const chip = element("span", { class: "chip" });
  const random = element("button", { type: "button", title: "Any other of the clips in the list (key r)", onclick: on.random }, "Random clip");
  const reset = element("button", { type: "button", title: "Take away all filters", onclick: on.reset }, "All clips");
  const grid = element("div", { class: "ranges" });
  const details = element("details", {}, element("summary", {}, "Ranges of numbers"), grid);
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Which clips are listed");
  root.append(element("div", { class: "row" }, label.node, relation.node, choices, random, reset, counted, chip, working), details);

  const ranges = {};
  let current = { choices: {}, ranges: {} };

  function rangeRow(column) {
    const make = (which, told) => element("input", {
      type: "range", min: 0, max: STEPS, step: 1, "aria-label": `${column.title}: ${told}`, oninput: () => moved(column, which),
    });
    const row = { low: make("low", "at least"), high: make("high", "at most"), said: element("output", {}), extent: null, digits: column.digits };
    row.node = element("div", { class: "range", role: "group", "aria-label": column.title }, element("span", { title: column.help }, column.title), row.low, row.high, row.said);
    return row;
  }

  function moved(column, which) {
    const row = ranges[column.name];
    // The two thumbs push each other rather than cross.
    if (Number(row.low.value) > Number(row.high.value)) row[which === "low" ? "high" : "low"].value = row[which].value;
    const [low, high] = row.extent;
    const whole = (value) => (row.digits === 0 ? Math.round(value) : value);
    const at = (input) => whole(low + (high - low) * Number(input.value) / STEPS);
    const limits = [Number(row.low.value) > 0 ? at(row.low) : null, Number(row.high.value) < STEPS ? at(row.high) : null];
    on.change({ ranges: { ...current.ranges, [column.name]: limits } });
  }

  function placeThumbs(name) {
    const row = ranges[name];
    const [low, high] = row.extent;
    const [least, most] = current.ranges?.[name] ?? [null, null];
    const place = (value) => Math.round(STEPS * (value - low) / (high - low));
    if (document.activeElement !== row.low) row.low.value = least === null ? 0 : place(least);
    if (document.activeElement !== row.high) row.high.value = most === null ? STEPS : place(most);
    row.said.textContent = `${spelt(least ?? low, row.extent, row.digits)} to ${spelt(most ?? high, row.extent, row.digits)}`;
    row.node.classList.toggle("limits", least !== null || most !== null);
  }

  /** Find the choices and the ends of the ranges anew. */
  function measure(filters) {
    current = { choices: {}, ranges: {}, ...filters };
    for (const column of choiceColumns) {
      const found = choicesOf(column.values);
      const known = choosers[column.name];
      if (found.length < 2 || found.length > MOST_CHOICES || (known && known.of === found.join("\n"))) continue;
      known?.node.remove();
      const made_ = chooser(column.title, [["", "all"], ...found.map((one) => [one, one])], (value) => on.change({ choices: { ...current.choices, [column.name]: value } }));
      choosers[column.name] = { ...made_, of: found.join("\n") };
      choices.append(made_.node);
    }
    for (const column of columns.filter(({ kind }) => kind === "number")) {
      const found = extent(column.values);
      if (!found) continue;
      if (!ranges[column.name]) {
        ranges[column.name] = rangeRow(column);
        grid.append(ranges[column.name].node);
      }
      ranges[column.name].extent = found;
      placeThumbs(column.name);
    }
    details.style.display = Object.keys(ranges).length ? "" : "none";
  }

  function show(filters, narrowed) {
    current = { choices: {}, ranges: {}, ...filters };
    label.select.value = filters.label ?? "";
    relation.select.value = filters.relation ?? "either";
    relation.node.style.display = filters.label ? "" : "none";
    for (const [name, { select }] of Object.entries(choosers)) select.value = filters.choices?.[name] ?? "";
    for (const name of Object.keys(ranges)) placeThumbs(name);
    const told = narrowed.rows ? narrowed.because || "chosen clips" : "";
    chip.replaceChildren(...(told ? [told, " ", element("button", { type: "button", "aria-label": `Do not narrow to: ${told}`, title: "List the others again", onclick: on.widen }, "×")] : []));
    chip.style.display = told ? "" : "none";
  }

  return {
    measure,
    show,
    count(left, all, place) {
      const where = place >= 0 ? `clip ${place + 1} of ` : "";
      counted.textContent = left === all ? `${where}${all}` : left ? `${where}${left} left of ${all}` : `none of ${all} is left`;
    },
    progress(done, total, what) { working.textContent = done < total ? `computing: ${what || "numbers"} (${done} of ${total})` : ""; },
  };
}
