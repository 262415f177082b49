// The columns of a list of clips: values of the clips, or of one class in them, as they come from Python in parts.

/** Return {columns, keys, values(), take(told, buffers), choose(label)}; `classes`: labels in the order of the numbers. */
export function makeColumns(known, classes) {
  const columns = known.map((column) => ({ ...column }));
  const keys = columns[0].values;
  const byClass = new Map();
  return {
    columns,
    keys,
    values: () => Object.fromEntries(columns.map((column) => [column.name, column.values])),
    /** Take columns that were computed later. */
    take(told, buffers) {
      for (const one of told) {
        const column = columns.find(({ name }) => name === one.name);
        column.late = true;
        if (one.values) {
          column.values = one.values;
          column.shown = one.shown ?? one.values;
          continue;
        }
        const bytes = buffers[one.buffer];
        const numbers = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
        if (one.classes) byClass.set(column.name, numbers);
        column.values = numbers.subarray(0, keys.length);
      }
    },
    /** Put the numbers of a class, or the clips' own, into the columns that have both. */
    choose(label) {
      const place = classes.indexOf(label);
      for (const column of columns) {
        const table = byClass.get(column.name);
        if (table) column.values = table.subarray((place + 1) * keys.length, (place + 2) * keys.length);
      }
    },
  };
}
