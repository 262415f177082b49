// A context to draw on that writes SVG: the part of a canvas's that the tracks use.

const NUMBER_DIGITS = 2;
const SHIFTS = { middle: 0.35, top: 0.8, hanging: 0.8, bottom: -0.2, alphabetic: 0 };
const ANCHORS = { left: "start", start: "start", center: "middle", right: "end", end: "end" };

const short = (value) => String(Number(value.toFixed(NUMBER_DIGITS)));
const escaped = (text) => String(text).replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]);

/** Return attributes of a colour: viewers know no "#rrggbbaa". */
function paintOf(what, colour, alpha) {
  const long = /^#([0-9a-f]{6})([0-9a-f]{2})$/i.exec(colour);
  const opacity = alpha * (long ? parseInt(long[2], 16) / 255 : 1);
  return `${what}="${long ? `#${long[1]}` : escaped(colour)}"${opacity < 1 ? ` ${what}-opacity="${short(opacity)}"` : ""}`;
}

/** Make a context of `width` by `height` pixels; `text()` gives the SVG. */
export function makeSvgContext(width, height) {
  const measure = document.createElement("canvas").getContext("2d");
  const parts = [];
  const clips = [];
  const saved = [];
  let state = { dash: [], matrix: [1, 0, 0, 1, 0, 0], clip: "" };
  let path = [];

  const styles = {
    fillStyle: "#000000", strokeStyle: "#000000", lineWidth: 1, globalAlpha: 1, font: "10px sans-serif",
    textAlign: "start", textBaseline: "alphabetic", imageSmoothingEnabled: true, imageSmoothingQuality: "low",
  };
  const kept = Object.keys(styles);

  function placed() {
    const moved = state.matrix.join() === "1,0,0,1,0,0" ? "" : ` transform="matrix(${state.matrix.map((one) => Number(one.toFixed(5))).join(" ")})"`;
    return moved;
  }
  // What is clipped lies in a group: the clip does not move with what is drawn.
  const put = (shape) => parts.push(state.clip ? `<g clip-path="url(#${state.clip})">${shape}</g>` : shape);
  const stroke = () => `fill="none" ${paintOf("stroke", context.strokeStyle, context.globalAlpha)} stroke-width="${short(context.lineWidth)}"${state.dash.length ? ` stroke-dasharray="${state.dash.join(" ")}"` : ""}`;
  const fill = () => paintOf("fill", context.fillStyle, context.globalAlpha);
  const box = (x, y, w, h) => `x="${short(Math.min(x, x + w))}" y="${short(Math.min(y, y + h))}" width="${short(Math.abs(w))}" height="${short(Math.abs(h))}"`;
  function times(b) {
    const a = state.matrix;
    state.matrix = [
      a[0] * b[0] + a[2] * b[1], a[1] * b[0] + a[3] * b[1], a[0] * b[2] + a[2] * b[3],
      a[1] * b[2] + a[3] * b[3], a[0] * b[4] + a[2] * b[5] + a[4], a[1] * b[4] + a[3] * b[5] + a[5],
    ];
  }

  const context = {
    ...styles,
    save() { saved.push([{ ...state }, kept.map((name) => context[name])]); },
    restore() {
      if (!saved.length) return;
      const [before, values] = saved.pop();
      state = before;
      kept.forEach((name, place) => { context[name] = values[place]; });
    },
    translate(x, y) { times([1, 0, 0, 1, x, y]); },
    rotate(angle) { times([Math.cos(angle), Math.sin(angle), -Math.sin(angle), Math.cos(angle), 0, 0]); },
    scale(x, y) { times([x, 0, 0, y, 0, 0]); },
    setLineDash(dash) { state.dash = [...dash]; },
    clearRect() {},
    fillRect(x, y, w, h) { put(`<rect ${box(x, y, w, h)} ${fill()}${placed()}/>`); },
    strokeRect(x, y, w, h) { put(`<rect ${box(x, y, w, h)} ${stroke()}${placed()}/>`); },
    beginPath() { path = []; },
    moveTo(x, y) { path.push(`M${short(x)} ${short(y)}`); },
    lineTo(x, y) { path.push(`${path.length ? "L" : "M"}${short(x)} ${short(y)}`); },
    closePath() { path.push("Z"); },
    rect(x, y, w, h) { path.push(`M${short(x)} ${short(y)}h${short(w)}v${short(h)}h${short(-w)}Z`); },
    arc(x, y, r) { path.push(`M${short(x - r)} ${short(y)}a${short(r)} ${short(r)} 0 1 0 ${short(2 * r)} 0a${short(r)} ${short(r)} 0 1 0 ${short(-2 * r)} 0Z`); },
    stroke() { if (path.length) put(`<path d="${path.join("")}" ${stroke()}${placed()}/>`); },
    fill() { if (path.length) put(`<path d="${path.join("")}" ${fill()}${placed()}/>`); },
    clip() {
      const name = `clip${clips.length}`;
      clips.push(`<clipPath id="${name}"${state.clip ? ` clip-path="url(#${state.clip})"` : ""}><path d="${path.join("")}"${placed()}/></clipPath>`);
      state.clip = name;
    },
    measureText(text) {
      measure.font = context.font;
      return measure.measureText(text);
    },
    fillText(text, x, y) {
      const [, style = "", size, family] = /^((?:bold |italic )*)([\d.]+)px (.*)$/.exec(context.font) ?? [null, "", "10", "sans-serif"];
      const weight = `${style.includes("bold") ? ' font-weight="bold"' : ""}${style.includes("italic") ? ' font-style="italic"' : ""}`;
      const baseline = y + (SHIFTS[context.textBaseline] ?? 0) * Number(size);
      put(`<text x="${short(x)}" y="${short(baseline)}" font-size="${size}" font-family="${escaped(family)}"${weight} text-anchor="${ANCHORS[context.textAlign] ?? "start"}" ${fill()}${placed()}>${escaped(text)}</text>`);
    },
    drawImage(image, sx, sy, sw, sh, dx, dy, dw, dh) {
      const canvas = document.createElement("canvas");
      canvas.width = Math.max(1, Math.ceil(sw));
      canvas.height = Math.max(1, Math.ceil(sh));
      const onto = canvas.getContext("2d");
      onto.imageSmoothingEnabled = false;
      onto.drawImage(image, sx, sy, sw, sh, 0, 0, canvas.width, canvas.height);
      const crisp = context.imageSmoothingEnabled ? "" : ' style="image-rendering:pixelated"';
      put(`<image ${box(dx, dy, dw, dh)} preserveAspectRatio="none"${crisp} href="${canvas.toDataURL("image/png")}"${placed()}/>`);
    },
    text() {
      const size = `width="${short(width)}" height="${short(height)}" viewBox="0 0 ${short(width)} ${short(height)}"`;
      return `<svg xmlns="http://www.w3.org/2000/svg" ${size}>\n<defs>${clips.join("")}</defs>\n${parts.join("\n")}\n</svg>\n`;
    },
  };
  return context;
}
