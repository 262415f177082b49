// Keys of the list of clips: what they do, where, and what the help of the player says of them.

const PAGE = 10;
const group = "List of clips";

/** In the table; those with `around` also in the controls above it; those with `everywhere` in the whole explorer. */
export const LIST_KEYS = [
  { keys: ["r"], what: "any other clip of the list", everywhere: true, to: ({ other }) => other() },
  { keys: ["n"], around: true, to: ({ place, at }) => at(place + 1) },
  { keys: ["p"], around: true, to: ({ place, at }) => at(place - 1) },
  { keys: ["ArrowDown", "ArrowUp"], what: "in the list: next, previous clip", to: ({ key, place, at }) => at(place + (key === "ArrowDown" ? 1 : -1)) },
  { keys: ["PageDown", "PageUp"], what: "in the list: ten on, ten back", to: ({ key, place, at, last }) => at(Math.max(0, Math.min(last, place + (key === "PageDown" ? PAGE : -PAGE)))) },
  { keys: ["Home", "End"], what: "in the list: its first, its last", to: ({ key, at, last }) => at(key === "Home" ? 0 : last) },
];

/**
 * Listen on `explorer` for the keys of the list whose controls are `el`; returns what ends it.
 *
 * `list`: {order(), place(), other(), go(row)}: rows in the order shown, the place of the clip in view, another row.
 */
export function addListKeys(explorer, el, list) {
  function onKeyDown(event) {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (target.closest?.("input, select, textarea, [contenteditable=true]")) return;
    const inTable = Boolean(target.closest?.(".sedlab-clip-table .dt-layout-table") && !target.closest("thead"));
    const found = LIST_KEYS.find((one) => one.keys.includes(key) && (one.everywhere || inTable || (one.around && el.contains(target))));
    if (!found) return;
    const order = list.order();
    const row = found.to({ key, place: list.place(), last: order.length - 1, at: (place) => order[place], other: list.other });
    if (row !== undefined) list.go(row);
    event.preventDefault();
    event.stopPropagation();
  }
  // The player has n and p of its own.
  const onAsked = ({ detail }) => detail.push(...LIST_KEYS.filter(({ what }) => what).map(({ keys, what }) => ({ keys, what, group })));
  const listeners = { keydown: onKeyDown, "sedlab-keys": onAsked };
  for (const [name, listener] of Object.entries(listeners)) explorer.addEventListener(name, listener);
  return () => { for (const [name, listener] of Object.entries(listeners)) explorer.removeEventListener(name, listener); };
}
