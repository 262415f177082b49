// Counts of the subset around the clip in view: asked of Python once for each system and post-processing, then kept.

import { unpackCounts } from "./counting.js";

const CALM_MS = 300;

/** Make the keeper of subset counts; `subsetCounts` in the store counts arrivals. */
export function makeSubsetCounts({ store, model, send, surface }) {
  const known = new Map();
  let asked = null;
  let timer = 0;
  store.set({ subsetCounts: 0 });

  const subsetOf = () => store.get("key").split("/")[0];
  const nameOf = (subset, system, way) => JSON.stringify([subset, system, way]);
  const offered = (system) => (store.get("counts")[subsetOf()]?.[system] ?? []);
  /** Of a system without the chosen post-processing, the player shows its scores as they are. */
  const wayOf = (system) => (offered(system).includes(store.get("postprocess")) ? store.get("postprocess") : "none");

  function askNext() {
    timer = 0;
    const scene = store.get("scene");
    if (!scene || asked) return;
    for (const { name } of surface.systemsShown(scene)) {
      const way = wayOf(name);
      if (!offered(name).includes(way) || known.has(nameOf(subsetOf(), name, way))) continue;
      asked = nameOf(subsetOf(), name, way);
      send({ type: "counts", subset: subsetOf(), system: name, way });
      return;
    }
  }
  function soon() {
    clearTimeout(timer);
    timer = setTimeout(askNext, CALM_MS);
  }
  function receive(message, buffers) {
    if (message.type !== "counts") return;
    const name = nameOf(message.subset, message.system, message.way);
    known.set(name, message.error ? { error: message.error } : unpackCounts(message, buffers));
    if (asked === name) asked = null;
    store.set({ subsetCounts: store.get("subsetCounts") + 1 });
    askNext();
  }
  function forget() {
    known.clear();
    asked = null;
    soon();
  }
  model.on("msg:custom", receive);
  const offs = [store.on("scene shown postprocess", soon), store.on("counts version", forget)];
  soon();

  /** Return the counts of a system; {error} where there are none; null: not there (yet). */
  function of(system) {
    return known.get(nameOf(subsetOf(), system, wayOf(system))) ?? null;
  }
  return {
    of,
    /** Say whether some systems are counted on the subset, but none of `names`: pseudo-labels are not. */
    countsOthers: (names) => Object.keys(store.get("counts")[subsetOf()] ?? {}).length > 0 && !names.some((name) => offered(name).length),
    isComing: (system) => offered(system).includes(wayOf(system)) && !of(system),
    /** Return [["best F1, 1", threshold]] of the systems that are shown, for a class or all (""). */
    best(label) {
      const scene = store.get("scene");
      if (!scene) return [];
      const looks = surface.looks();
      const names = surface.systemsShown(scene).map(({ name }) => name);
      return names.flatMap((name) => {
        const found = of(name)?.best?.[store.get("criterion") || "collar"]?.[label];
        return found ? [[`best F1${names.length > 1 ? ` of ${looks[name].number}` : ""} (${found[1].toFixed(2)})`, found[0]]] : [];
      });
    },
    dispose() {
      clearTimeout(timer);
      model.off("msg:custom", receive);
      offs.forEach((off) => off());
    },
  };
}
