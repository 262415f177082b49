// The buttons and fields with which a person decides; each has a name and a key.

import { element } from "./element.js";

/** Fill `root` with them; returns those whose state is shown: said, progress, note, label, right, wrong, unsure, edges. */
export function makeReviewBar(root, { judge, undo, goOn, nudge, addMissed, focusPlayer, writeNote }) {
  const button = (text, name, key, act) => element("button", {
    type: "button", "aria-label": `${name} (${key})`, title: `${name} (${key})`, "aria-keyshortcuts": key, onclick: act,
  }, text);
  const line = (...children) => element("div", { class: "line" }, ...children);
  const set = (...children) => element("span", { class: "set" }, ...children);
  const bar = {
    said: element("div", { class: "chosen", "aria-live": "polite" }),
    progress: element("div", { class: "howfar", role: "status" }),
    note: element("input", { type: "text", "aria-label": "Note on the decision (i)", title: "Note (i)", placeholder: "note" }),
    label: element("select", { "aria-label": "Class of a missed event", title: "Class of a missed event" }),
    right: button("✓ right", "Right", "1", () => judge("right")),
    wrong: button("✗ wrong", "Wrong", "2", () => judge("wrong")),
    unsure: button("? unsure", "Unsure", "3", () => judge("unsure")),
  };
  const edges = [["onset", 0, "[", "]"], ["offset", 1, "{", "}"]].map(([name, edge, earlier, later]) => set(name,
    button("−", `${name} 10 ms earlier`, earlier, () => nudge(edge, -1)),
    button("+", `${name} 10 ms later`, later, () => nudge(edge, 1))));
  bar.edges = edges.flatMap((one) => [...one.querySelectorAll("button")]);
  root.classList.add("reviewing");
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Decisions");
  root.append(
    line(bar.said, bar.progress),
    line(set(bar.right, bar.wrong, bar.unsure), button("↶ undo", "Take the last decision back", "u", undo), ...edges,
      button("next ▸", "Next that is not decided", "N", goOn)),
    line(bar.note, set(bar.label, button("add missed", "Add what is selected as a missed event", "a", addMissed))),
  );
  bar.note.addEventListener("keydown", (event) => {
    if (event.key === "Enter") focusPlayer();
    event.stopPropagation();
  });
  bar.note.addEventListener("change", () => writeNote(bar.note.value.trim()));
  return bar;
}
