// What a player's parts share: values with listeners. Names that are traits of the model are kept the same in Python,
// by this rule: who writes last wins. What a person did is told in bundles, the next one when Python has dealt with the
// one before; what is not told yet gives way to what Python sets (last_writer.py has the other half).

const TRAITS = [
  "queue", "key", "version", "playhead", "selection", "span", "focus", "goes", "label", "threshold", "thresholds",
  "postprocess", "shown", "counts", "marks", "review", "call", "waveform", "curves", "band", "speed", "volume",
];
/** What a clip that Python goes to brings along, also where Python had the same before. */
const GOING = ["key", "focus", "selection", "span"];
const SAVE_AFTER_MS = { playhead: 250 };
const SAVE_SOON_MS = 40;

const isSame = (a, b) => Object.is(a, b) || (typeof a === "object" && JSON.stringify(a) === JSON.stringify(b));

/** Make a store around a model of anywidget. */
export function makeStore(model) {
  const values = new Map(TRAITS.map((name) => [name, model.get(name)]));
  const listeners = new Map();
  let timer = 0;
  let due = 0;
  const unsaved = new Set();
  const told = new Map(); // what Python was told last
  const known = new Map(values); // what the model had when it was last looked at

  function tell(names) {
    const concerned = new Set();
    for (const name of names) {
      for (const listener of listeners.get(name) ?? []) concerned.add(listener);
    }
    for (const listener of concerned) listener();
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
    if (!unsaved.size || !isSame(model.get("said"), model.get("heard"))) return;
    const bundle = new Map([...unsaved].map((name) => [name, values.get(name)]));
    unsaved.clear();
    for (const [name, value] of bundle) {
      told.set(name, value);
      known.set(name, value);
      model.set(name, value);
    }
    model.set("said", [model.get("said")[0] + 1, model.get("written")]);
    model.save_changes();
  }

  function set(changes) {
    const changed = Object.keys(changes).filter((name) => !Object.is(values.get(name), changes[name]));
    let wait = Infinity;
    for (const name of changed) {
      values.set(name, changes[name]);
      if (!TRAITS.includes(name)) continue;
      unsaved.add(name);
      wait = Math.min(wait, SAVE_AFTER_MS[name] ?? SAVE_SOON_MS);
    }
    if (wait < Infinity) saveWithin(wait);
    tell(changed);
  }

  // Traits that Python changed together are taken over together.
  function takeOver() {
    if (known.get("goes") !== model.get("goes")) for (const name of GOING) { known.delete(name); told.delete(name); }
    const changed = TRAITS.filter((name) => {
      const value = model.get(name);
      if (isSame(known.get(name), value)) return false;
      known.set(name, value);
      // ipywidgets sends back what it was told; what a person did after that came later.
      if (unsaved.has(name) && isSame(told.get(name), value)) return false;
      unsaved.delete(name);
      if (Object.is(values.get(name), value)) return false;
      values.set(name, value);
      return true;
    });
    tell(changed);
  }
  function onHeard() { if (!timer) save(); }

  const fromPython = [...TRAITS.map((name) => [`change:${name}`, takeOver]), ["change:heard", onHeard]];
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
