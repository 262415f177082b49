// All keys of a player, on "?": a dialog that keeps the focus until it is closed.

import { element } from "./element.js";

/** The event that asks, of everything that the player is in, for {keys, what, group}; its detail is their list. */
const KEYS_ASKED = "sedlab-keys";
const SPELLED = { " ": "space", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc" };
const MOUSE = [
  ["press", "listen from there"], ["drag", "select and loop"], ["press a bar twice", "select that event"],
  ["Ctrl + wheel, or wheel on the seconds; two fingers", "zoom in time"],
  ["Ctrl + Shift + wheel, or wheel on the kHz", "zoom in frequency"], ["Shift + wheel, or scroll sideways", "move along"],
  ["drag the dashed line of a curve", "move the threshold"],
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

/** Add "?" and its button to `bar`, the dialog to `root`. */
export function mountHelp({ root, bar, keys }) {
  const close = element("button", { type: "button", onclick: () => dialog.close() }, "Close");
  const groups = element("div", { class: "groups" });
  const title = element("h3", {}, "Keys of the player");
  const dialog = element("dialog", { class: "help", "aria-label": "Keys of the player" }, element("div", { class: "top" }, title, close), groups);
  const button = element("button", { type: "button", title: "Keys (?)", "aria-label": "Keys (?)", "aria-haspopup": "dialog", onclick: () => open() }, "?");
  root.append(dialog);
  bar.append(button);

  function open() {
    const list = (rows) => element("dl", {}, ...rows.flatMap(([pressed, what]) => [element("dt", {}, pressed), element("dd", {}, what)]));
    // What is around the player has keys that work in it, too.
    const around = [];
    root.dispatchEvent(new CustomEvent(KEYS_ASKED, { bubbles: true, detail: around }));
    const all = [...groupedKeys([...keys.list(), ...around]), ["Mouse and fingers", MOUSE]];
    groups.replaceChildren(...all.map(([name, rows]) => element("section", {}, element("h4", {}, name), list(rows))));
    // The browser keeps the focus inside, and gives it back to where it was.
    dialog.showModal();
  }
  dialog.addEventListener("keydown", (event) => {
    // Keys of the player, and of the page around it, mean nothing in here.
    event.stopPropagation();
    if (event.key === "Escape" || event.key === "?") {
      event.preventDefault();
      dialog.close();
    }
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  keys.add({ keys: ["?"], what: "this list", group: "Look", run: open });
  return () => { if (dialog.open) dialog.close(); };
}
