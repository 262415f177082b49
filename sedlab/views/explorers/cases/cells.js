// What is said, shaded and moved to in a table of counts. No DOM here.

const CELL_TONES = {
  good: [0, 158, 115], time: [0, 114, 178], cut: [224, 177, 60], name: [204, 121, 167], bad: [213, 94, 0],
  plain: [120, 120, 120],
};

/** The name of a cell for those who do not see where it stands: "Speech, missed: 12 of 30". */
export function cellName(row, column, cell) {
  const of = cell.total ? ` of ${cell.total}` : "";
  return `${row.name}, ${column.name}: ${cell.count}${of}`;
}

/** The count as a share, for the tip of the pointer: "12 of 30 (40 %)". */
export function cellShare(cell) {
  return cell.total ? `${cell.count} of ${cell.total} (${Math.round((100 * cell.count) / cell.total)} %)` : `${cell.count}`;
}

/** The colour of a cell: nothing for no case, then stronger with its share; text stays readable on both themes. */
export function cellShade(cell) {
  if (!cell.count) return "transparent";
  const share = Math.min(1, cell.total ? cell.count / cell.total : 1);
  const [red, green, blue] = CELL_TONES[cell.tone] || CELL_TONES.plain;
  return `rgba(${red}, ${green}, ${blue}, ${(0.1 + 0.4 * share).toFixed(3)})`;
}

/** The cell that a key leads to from another, within so many rows and columns; null: not a key of the table. */
export function cellAfterKey([row, column], { key, ctrl = false }, [rows, columns]) {
  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const inside = (value, size) => Math.max(0, Math.min(size - 1, value));
  if (key === "Home") return [ctrl ? 0 : row, 0];
  if (key === "End") return [ctrl ? rows - 1 : row, columns - 1];
  const move = moves[key];
  return move ? [inside(row + move[0], rows), inside(column + move[1], columns)] : null;
}

/** Columns that stand beside each other under one heading: [[heading, how many], ...]. */
export function columnGroups(columns) {
  const groups = [];
  for (const { group = "" } of columns) {
    if (groups.length && groups.at(-1)[0] === group) groups.at(-1)[1] += 1;
    else groups.push([group, 1]);
  }
  return groups;
}
