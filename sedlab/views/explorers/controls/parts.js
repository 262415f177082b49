// What the controls share: a root with its style, and listeners that are not called too often.
import { element } from "../../player/element.js";

/** Return an empty root with a style sheet in it; keys pressed inside are not taken for commands of JupyterLab. */
export function rootOf(el, name, style) {
  const root = element("div", { class: `sedlab-${name}`, "data-lm-suppress-shortcuts": "true" });
  el.append(element("style", {}, style), root);
  return root;
}

/** Return `listener` called at once and then at most every `milliseconds`, the last call never lost. */
export function seldom(milliseconds, listener) {
  let timer = 0;
  let again = false;
  const run = () => {
    if (timer) { again = true; return; }
    listener();
    timer = setTimeout(() => { timer = 0; if (again) { again = false; run(); } }, milliseconds);
  };
  return run;
}
