// What a player's parts share: values with listeners. Names that are traits of the model are kept the same in Python.

const TRAITS = [
  "queue", "key", "version", "playhead", "selection", "span", "focus", "goes", "label", "threshold", "thresholds",
  "postprocess", "shown", "counts", "marks", "review", "call",
];
const SAVE_AFTER_MS = { playhead: 250 };
const SAVE_SOON_MS = 40;

/** Make a store around a model of anywidget. */
export function makeStore(model) {
  const values = new Map(TRAITS.map((name) => [name, model.get(name)]));
  const listeners = new Map();
  let timer = 0;
  let due = 0;
  const unsaved = new Set();
  const saved = new Map();

  function tell(names) {
    const told = new Set();
    for (const name of names) {
      for (const listener of listeners.get(name) ?? []) told.add(listener);
    }
    for (const listener of told) listener();
  }

  function saveWithin(milliseconds) {
    const wanted = performance.now() + milliseconds;
    if (timer && due <= wanted) return;
    clearTimeout(timer);
    due = wanted;
    timer = setTimeout(save, milliseconds);
  }

  function save() {
    timer = 0;
    for (const name of unsaved) saved.set(name, JSON.stringify(values.get(name)));
    unsaved.clear();
    model.save_changes();
  }

  // Python echoes what it is told last; what a person did since, and is still to be saved, came later.
  const isEcho = (name, value) => unsaved.has(name) && saved.get(name) === JSON.stringify(value);

  function set(changes) {
    const changed = Object.keys(changes).filter((name) => !Object.is(values.get(name), changes[name]));
    let wait = Infinity;
    for (const name of changed) {
      values.set(name, changes[name]);
      if (!TRAITS.includes(name)) continue;
      unsaved.add(name);
      model.set(name, changes[name]);
      wait = Math.min(wait, SAVE_AFTER_MS[name] ?? SAVE_SOON_MS);
    }
    if (wait < Infinity) saveWithin(wait);
    tell(changed);
  }

  // Traits that Python changed together are taken over together.
  function takeOver() {
    const changed = TRAITS.filter((name) => {
      const value = model.get(name);
      if (Object.is(values.get(name), value)) return false;
      if (isEcho(name, value)) {
        model.set(name, values.get(name));
        saveWithin(SAVE_AFTER_MS[name] ?? SAVE_SOON_MS);
        return false;
      }
      values.set(name, value);
      return true;
    });
    tell(changed);
  }

  const fromPython = TRAITS.map((name) => [`change:${name}`, takeOver]);
  for (const [event, listener] of fromPython) model.on(event, listener);

  return {
    get: (name) => values.get(name),
    set,
    on(names, listener) {
      for (const name of names.split(" ")) listeners.set(name, [...(listeners.get(name) ?? []), listener]);
      return () => {
        for (const name of names.split(" ")) listeners.set(name, listeners.get(name).filter((one) => one !== listener));
      };
    },
    dispose() {
      clearTimeout(timer);
      for (const [event, listener] of fromPython) model.off(event, listener);
    },
  };
}
