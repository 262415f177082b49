// Which clips of a list are left, from values and filters alone; nothing here knows the page.

/** What a class filter may ask of a clip; `a`: somebody marked the class, `d`: the system detected it. */
export const RELATIONS = {
  either: { told: "annotated or detected", holds: (a, d) => a || d },
  annotated: { told: "annotated", holds: (a) => a },
  detected: { told: "detected", holds: (_a, d) => d },
  missed: { told: "annotated, not detected", holds: (a, d) => a && !d },
  extra: { told: "detected, not annotated", holds: (a, d) => !a && d },
};

/**
 * Return which rows are left, 1 or 0 each.
 * `columns`: {name: values}; `filters`: {label, relation, choices: {name: value}, ranges: {name: [low, high]}, rows}.
 * A limit that is null does not limit; a row without a number is left out as soon as one limits its column.
 */
export function rowsLeft(numRows, columns, filters) {
  const left = new Uint8Array(numRows).fill(1);
  if (filters.rows) {
    left.fill(0);
    for (const row of filters.rows) left[row] = 1;
  }
  if (filters.label) {
    const { holds } = RELATIONS[filters.relation ?? "either"] ?? RELATIONS.either;
    const has = (name, row) => Boolean(columns[name]?.[row]?.includes(filters.label));
    for (let row = 0; row < numRows; row += 1) {
      if (!holds(has("annotated", row), has("detected", row))) left[row] = 0;
    }
  }
  for (const [name, value] of Object.entries(filters.choices ?? {})) {
    if (value === "" || !columns[name]) continue;
    for (let row = 0; row < numRows; row += 1) if (String(columns[name][row]) !== value) left[row] = 0;
  }
  for (const [name, [low, high]] of Object.entries(filters.ranges ?? {})) {
    if ((low === null && high === null) || !columns[name]) continue;
    for (let row = 0; row < numRows; row += 1) {
      const value = columns[name][row];
      const inside = Number.isFinite(value) && (low === null || value >= low) && (high === null || value <= high);
      if (!inside) left[row] = 0;
    }
  }
  return left;
}

/** Return the least and the greatest number of a column; null without two different ones. */
export function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return high > low ? [low, high] : null;
}

/** Return the different values of a column in their order, as texts, without the empty one. */
export function choicesOf(values) {
  return [...new Set(values.map(String))].filter((value) => value !== "").sort((a, b) => a.localeCompare(b));
}

/** Return any of the rows but the present one; the present one if it is alone, -1 of none. */
export function anyOther(rows, present, random = Math.random) {
  const others = rows.filter((row) => row !== present);
  if (!others.length) return rows.length ? rows[0] : -1;
  return others[Math.floor(random() * others.length)];
}
