// All keys of a player, on "?".

import { element } from "./element.js";

const SPELLED = { " ": "space", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc" };
const MOUSE = [
  ["press", "listen from there"], ["drag", "select and loop"], ["press a bar twice", "select that event"],
  ["Ctrl + wheel, or wheel on the seconds; two fingers", "zoom in time"],
  ["Ctrl + Shift + wheel, or wheel on the kHz", "zoom in frequency"], ["Shift + wheel, or scroll sideways", "move along"],
];

/** Return [group, [[keys, what]]] of bindings, in the order in which groups first appear. */
export function groupedKeys(bindings) {
  const groups = new Map();
  for (const { keys, what, group } of bindings) {
    if (!groups.has(group)) groups.set(group, []);
    groups.get(group).push([keys.map((key) => SPELLED[key] ?? key).join(" "), what]);
  }
  return [...groups];
}

/** Add "?" and its button to `bar`, the list to `root`. */
export function mountHelp({ root, bar, keys }) {
  const panel = element("div", { class: "help", role: "region", "aria-label": "Keys of the player", hidden: true });
  const button = element("button", { type: "button", title: "Keys (?)", "aria-label": "Keys (?)", "aria-expanded": "false", onclick: () => toggle() }, "?");
  root.append(panel);
  bar.append(button);

  function toggle(show = panel.hidden) {
    panel.hidden = !show;
    button.setAttribute("aria-expanded", String(show));
    if (!show) return;
    const list = (rows) => element("dl", {}, ...rows.flatMap(([pressed, what]) => [element("dt", {}, pressed), element("dd", {}, what)]));
    const groups = [...groupedKeys(keys.list()), ["Mouse and fingers", MOUSE]];
    panel.replaceChildren(...groups.map(([name, rows]) => element("section", {}, element("h4", {}, name), list(rows))));
  }
  keys.add({ keys: ["?"], what: "this list", group: "Look", run: () => toggle() });
  keys.add({ keys: ["Escape"], what: "close this list", group: "Look", run: () => (panel.hidden ? false : toggle(false)) });
}
