// Colours by meaning, the same as in every figure; see figures/style.py.

export const COLOURS = {
  reference: "#0072B2", detection: "#D55E00", pseudo: "#009E73", playhead: "#00B8D4", selection: "#00B8D433",
  hit: "#009E73", falseAlarm: "#D55E00", miss: "#CC79A7",
};

/** Return the theme's colours of text, lines and background around an element. */
export function themeOf(node) {
  const style = getComputedStyle(node);
  const of = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
  return {
    text: of("--jp-ui-font-color1", "#222"), faint: of("--jp-ui-font-color2", "#666"),
    line: of("--jp-border-color2", "#ccc"), paper: of("--jp-layout-color0", "#fff"),
  };
}
