// Colours by meaning, the same as in every figure (figures/style.py), in tones for a light and a dark page.

// Magma of matplotlib at 17 places: dark to light in even steps, so it reads on white, on black and in grey.
const MAGMA = "#000004 #0a0822 #1d1147 #36106b #51127c #6a1c81 #832681 #9c2e7f #b73779 #d0416f #e75263 #f56b5c #fc8961 #fea772 #fec488 #fde2a3 #fcfdbf";
const LIGHT = {
  reference: "#222222", model: ["#0072B2", "#AA4499", "#117733", "#882255", "#332288", "#6B6B00"],
  pseudo: ["#D55E00", "#8A3B00", "#9A7400"], soft: ["#5F5F5F"], gained: "#0072B2", lost: "#C05000",
  playhead: "#00879E", selection: "#00A8C8", focus: "#B3005E",
};
const DARK = {
  reference: "#F0F0F0", model: ["#56B4E9", "#DDA0DD", "#44BB99", "#FFAABB", "#9FB0FF", "#D6CC66"],
  pseudo: ["#FF8C3A", "#FFC58F", "#E0B040"], soft: ["#B0B0B0"], gained: "#56B4E9", lost: "#FF9A50",
  playhead: "#35D6EE", selection: "#35D6EE", focus: "#FF77B7",
};

/** What is right, wrong, missed: TP, FP, FN. */
export const COLOURS = { hit: "#009E73", falseAlarm: "#D55E00", miss: "#CC79A7" };

/** Say whether the page around is dark: as JupyterLab says, or the person's system. */
export function isDark() {
  const theme = document.body?.dataset.jpThemeLight;
  return theme ? theme === "false" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Call `listener` when the page turns dark or light; returns a function that stops it. */
export function onTheme(listener) {
  const media = matchMedia("(prefers-color-scheme: dark)");
  const observer = new MutationObserver(listener);
  observer.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name"] });
  media.addEventListener("change", listener);
  return () => { observer.disconnect(); media.removeEventListener("change", listener); };
}

/** Return the theme's colours of text, lines and background around an element, and those by meaning. */
export function themeOf(node) {
  const style = getComputedStyle(node);
  const dark = isDark();
  const of = (name, light, otherwise) => style.getPropertyValue(name).trim() || (dark ? otherwise : light);
  return {
    ...(dark ? DARK : LIGHT),
    dark,
    text: of("--jp-ui-font-color1", "#222222", "#E0E0E0"),
    faint: of("--jp-ui-font-color2", "#5F5F5F", "#B0B0B0"),
    line: dark ? "#FFFFFF26" : "#00000022",
    paper: of("--jp-layout-color0", "#FFFFFF", "#111111"),
  };
}

/** Return {name: {colour, number}} of systems: colours by role, numbers in their order, so that neither is needed alone. */
export function looksOf(systems, theme) {
  const used = {};
  return Object.fromEntries(systems.map(({ name, role }, place) => {
    const cycle = theme[role] ?? theme.model;
    used[role] = (used[role] ?? -1) + 1;
    return [name, { colour: cycle[used[role] % cycle.length], number: place + 1 }];
  }));
}

/** Return [red, green, blue] of "#rrggbb". */
export function rgbOf(hex) {
  const value = parseInt(hex.slice(1, 7), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** Return 256 colours as 32-bit words of image data for levels 0 to 255 of a spectrogram. */
export function spectrogramColours() {
  const stops = MAGMA.split(" ").map(rgbOf);
  return wordsOf((level) => {
    const at = level / 255 * (stops.length - 1);
    const below = Math.min(Math.floor(at), stops.length - 2);
    return [...stops[below].map((from, channel) => from + (at - below) * (stops[below + 1][channel] - from)), 255];
  });
}

/** Return 256 colours for scores 0 to 1: from nothing, so that the page shows through, to `hex`. */
export function scoreColours(hex) {
  return wordsOf((level) => [...rgbOf(hex), level]);
}

function wordsOf(colourOf) {
  const bytes = new Uint8ClampedArray(1024);
  for (let level = 0; level < 256; level += 1) bytes.set(colourOf(level), 4 * level);
  return new Uint32Array(bytes.buffer);
}
