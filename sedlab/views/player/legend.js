// The systems of a clip as checkboxes: number, colour, name, events; what is not checked is not drawn.

import { onTheme } from "./colours.js";
import { element } from "./element.js";
import { detectedEvents } from "./saying.js";

const ROLES_IN_WORDS = { pseudo: "pseudo-labels", soft: "share of annotators" };

/** Return `shown` after the box of `name` was turned: null, that is all, where none is left out. */
export function shownAfter(shown, names, name, isOn) {
  const before = new Set(shown ?? names);
  if (isOn) before.add(name);
  else before.delete(name);
  const left = names.filter((one) => before.has(one));
  return left.length === names.length ? null : left;
}

/** Put the checkboxes into `root`; returns a function that takes them away. */
export function mountLegend({ root, store, surface }) {
  let drawn = "";

  function show() {
    const scene = store.get("scene");
    if (!scene) return;
    const looks = surface.looks();
    const shown = store.get("shown");
    const facts = JSON.stringify([scene.systems.map(({ name, role }) => [name, role]), looks]);
    if (facts !== drawn) {
      drawn = facts;
      const names = scene.systems.map(({ name }) => name);
      const boxes = scene.systems.map(({ name, role }) => {
        const box = element("input", { type: "checkbox", value: name });
        box.addEventListener("change", () => store.set({ shown: shownAfter(store.get("shown"), names, name, box.checked) }));
        const mark = element("b", { style: `background:${looks[name].colour}` });
        const kind = ROLES_IN_WORDS[role] && !name.includes(ROLES_IN_WORDS[role]) ? ` (${ROLES_IN_WORDS[role]})` : "";
        return element("label", {}, box, mark, `${looks[name].number} ${name}${kind}`, element("small", { "data-name": name }));
      });
      root.replaceChildren(...(boxes.length ? [element("fieldset", {}, element("legend", {}, "Systems"), ...boxes)] : []));
    }
    for (const box of root.querySelectorAll("input")) box.checked = !shown || shown.includes(box.value);
  }
  function count() {
    const scene = store.get("scene");
    if (!scene) return;
    const found = Object.fromEntries(detectedEvents(scene, scene.systems, store).map(({ name, events }) => [name, events]));
    for (const node of root.querySelectorAll("small")) {
      const events = found[node.dataset.name];
      node.textContent = events === undefined ? "" : `${events} event${events === 1 ? "" : "s"}`;
    }
  }
  const offs = [
    store.on("scene shown", show), onTheme(() => { show(); count(); }),
    store.on("scene threshold thresholds postprocess", count),
  ];
  show();
  count();
  return () => offs.forEach((off) => off());
}
