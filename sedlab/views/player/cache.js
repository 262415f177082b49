// Scenes in the browser: asked for when needed, neighbours ahead, the least used forgotten.

const KEPT = 24;
const AHEAD = [1, -1, 2, 3, -2];
const AT_ONCE = 2;

/**
 * Return the key to ask for next: the one in view, then its neighbours; null: nothing, or enough is on its way.
 *
 * One neighbour at a time, and keys that were passed by meanwhile not at all: who presses n ten times waits for one clip.
 */
export function nextWanted(key, queue, isKnown, asked) {
  if (key && !isKnown(key) && !asked.has(key)) return asked.size < AT_ONCE ? key : null;
  if (asked.size) return null;
  const place = queue.indexOf(key);
  if (place < 0) return null;
  return AHEAD.map((step) => queue[place + step]).find((name) => name !== undefined && !isKnown(name)) ?? null;
}

/**
 * Keep `scene` of the store that of its key; `send` asks Python, but for the key that is `expected`: it comes unasked.
 *
 * Returns {receive(message, scene)} for what Python sends, and {doubt()}: the expected one does not come.
 */
export function makeCache({ store, send, expected }) {
  const scenes = new Map();
  const failures = new Map();
  const asked = new Set(expected ? [expected] : []);
  let awaited = expected;

  function show() {
    const key = store.get("key");
    const known = scenes.get(key);
    if (known) {
      scenes.delete(key);
      scenes.set(key, known);
    }
    const failure = failures.get(key) ?? null;
    store.set({ scene: known ?? null, failure });
    ask();
  }

  function ask() {
    const isKnown = (name) => scenes.has(name) || failures.has(name);
    const wanted = nextWanted(store.get("key"), store.get("queue"), isKnown, asked);
    if (wanted === null) return;
    asked.add(wanted);
    send({ type: "want", keys: [wanted] });
  }

  function forget() {
    scenes.clear();
    failures.clear();
    asked.clear();
    show();
  }

  function receive(message, scene) {
    const key = scene ? scene.key : message.key;
    if (key === awaited) awaited = "";
    asked.delete(key);
    if (message.version === store.get("version")) {
      if (scene) scenes.set(key, scene);
      else failures.set(key, message.message);
      while (scenes.size > KEPT) scenes.delete(scenes.keys().next().value);
    }
    if (key === store.get("key")) show();
    else ask();
  }

  function doubt() {
    if (!awaited) return;
    awaited = "";
    asked.delete(expected);
    ask();
  }

  // A clip that failed is tried again when a person comes back to it.
  const offs = [
    store.on("key", () => { failures.delete(store.get("key")); show(); }),
    store.on("queue", ask), store.on("version", forget),
  ];
  show();
  return { receive, doubt, dispose: () => offs.forEach((off) => off()) };
}
