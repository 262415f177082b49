// What the controls share: making an element, and the look of the page's theme.

/** Make an element with attributes and children; `on...` are listeners; null, undefined and false leave one out. */
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

/** Return an empty root with a style sheet in it; keys pressed inside are not taken for commands of JupyterLab. */
export function rootOf(el, name, style) {
  const root = make("div", { class: `sedlab-${name}`, "data-lm-suppress-shortcuts": "true" });
  el.append(make("style", {}, style), root);
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
