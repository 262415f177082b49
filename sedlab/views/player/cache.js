// Scenes in the browser: asked for when needed, neighbours ahead, the least used forgotten.

const KEPT = 12;
const AHEAD = [1, -1, 2];

/** Keep `scene` of the store that of its key; `send` asks Python. Returns a function that takes a message of Python. */
export function makeCache({ store, model, send }) {
  const scenes = new Map();
  const asked = new Set();

  const forget = () => { scenes.clear(); asked.clear(); want(); };

  function want() {
    const key = store.get("key");
    const known = scenes.get(key);
    if (known) {
      scenes.delete(key);
      scenes.set(key, known);
    }
    store.set({ scene: known ?? null, failure: null });
    const queue = store.get("queue");
    const place = queue.indexOf(key);
    const neighbours = place < 0 ? [] : AHEAD.map((step) => queue[place + step]).filter(Boolean);
    const missing = [key, ...neighbours].filter((name) => name && !scenes.has(name) && !asked.has(name));
    // While one request is on its way, keys that were passed by meanwhile are not asked for.
    if (!missing.length || (asked.size && missing[0] !== key)) return;
    if (asked.size > 2) return;
    missing.forEach((name) => asked.add(name));
    send({ type: "want", keys: missing });
  }

  function receive(message, scene) {
    if (message.version !== store.get("version")) return;
    const key = scene ? scene.key : message.key;
    asked.delete(key);
    if (scene) {
      scenes.set(key, scene);
      while (scenes.size > KEPT) scenes.delete(scenes.keys().next().value);
    }
    if (key === store.get("key")) store.set({ scene: scene ?? null, failure: scene ? null : message.message });
    if (!asked.size || key === store.get("key")) want();
  }

  const offs = [store.on("key queue", want), store.on("version", forget)];
  want();
  return { receive, dispose: () => offs.forEach((off) => off()) };
}
