// Events as files: a table with the columns of DESED, a label track of Audacity, JSON of everything that is shown.

/** Return the clip id in a key "subset/clip id". */
export function clipIdOf(key) {
  return key.includes("/") ? key.slice(key.indexOf("/") + 1) : key;
}

/** Return a name for the file of a clip: what no file system takes becomes "_". */
export function fileNameOf(key, suffix) {
  return `${clipIdOf(key).replace(/[^\w.-]+/g, "_") || "clip"}.${suffix}`;
}

/** Return events as a table with exactly the columns of DESED; a label of the whole clip has no times. */
export function desedTable(key, events) {
  const time = (seconds) => (seconds === null ? "" : seconds.toFixed(3));
  const rows = events.map(({ onset, offset, label }) => [`${clipIdOf(key)}.wav`, time(onset), time(offset), label]);
  return [["filename", "onset", "offset", "event_label"], ...rows].map((row) => `${row.join("\t")}\n`).join("");
}

/** Return events as a label track of Audacity; a label of the whole clip spans it. */
export function audacityTrack(events, duration) {
  return events.map(({ onset, offset, label }) => `${(onset ?? 0).toFixed(6)}\t${(offset ?? duration).toFixed(6)}\t${label}\n`).join("");
}

/** Return what is shown as JSON: settings, reference, and the events of each system {name, role, events}. */
export function shownDocument(scene, settings, systems) {
  const row = ({ onset, offset, label, confidence }) => ({ onset, offset, label, ...(confidence === undefined ? {} : { confidence }) });
  const document = {
    clip: scene.key, title: scene.title, duration: scene.duration, ...settings,
    reference: scene.events && scene.events.map(row),
    systems: systems.map(({ name, role, events }) => ({ name, role, events: events.map(row) })),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
