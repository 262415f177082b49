// What lies over the tracks: the selection, the case in focus; and what a focus does to the rest.

import { framed, spanTrait } from "./axis.js";

const LEAD_IN_SECONDS = 0.5;
const WASH = 0.16;

/** Draw the selection and the frame of the focus over the tracks; returns a function that ends it. */
export function mountOverlay({ store, surface, seek }) {
  function drawSelection(ctx, axis, bottom, theme) {
    const selection = store.get("selection");
    if (selection.length !== 2) return;
    const left = Math.max(axis.left, axis.x(selection[0]));
    const right = Math.min(axis.right, axis.x(selection[1]));
    if (right <= left) return;
    ctx.fillStyle = theme.selection;
    ctx.globalAlpha = WASH;
    ctx.fillRect(left, 0, right - left, bottom);
    ctx.globalAlpha = 1;
    for (const x of [left, right - 1]) ctx.fillRect(x, 0, 1, bottom);
  }

  function drawFocus(ctx, axis, rows, theme) {
    const { onset, offset, label } = store.get("focus") ?? {};
    const own = rows.filter((row) => row.label === label);
    if (!own.length || !Number.isFinite(onset) || !Number.isFinite(offset)) return;
    const left = Math.max(axis.left - 2, axis.x(onset) - 2);
    const right = Math.min(axis.right + 2, axis.x(offset) + 2);
    if (right <= left) return;
    const last = own[own.length - 1];
    ctx.strokeStyle = theme.focus;
    ctx.lineWidth = 2;
    ctx.strokeRect(left, own[0].top + 1, right - left, last.top + last.height - own[0].top - 1);
    ctx.setLineDash([4, 4]);
    const sound = rows.find(({ kind }) => kind === "spectrogram");
    ctx.strokeRect(left, sound.top + 1, right - left, sound.height - 2);
  }

  const drop = surface.addLayer({
    draw(ctx, axis, rows, theme) {
      const last = rows[rows.length - 1];
      drawSelection(ctx, axis, last ? last.top + last.height : 0, theme);
      drawFocus(ctx, axis, rows, theme);
    },
  });

  let done = "";
  function frameFocus() {
    const scene = store.get("scene");
    const focus = store.get("focus") ?? {};
    const asked = JSON.stringify([store.get("key"), focus, store.get("goes")]);
    if (!scene || scene.key !== store.get("key") || done === asked) return;
    done = asked;
    if (!Number.isFinite(focus.onset) || !Number.isFinite(focus.offset)) return;
    store.set({ span: spanTrait(framed(focus.onset, focus.offset, scene.duration), scene.duration) });
    seek(Math.max(0, focus.onset - LEAD_IN_SECONDS));
    // Its rows are known once they are drawn.
    requestAnimationFrame(() => requestAnimationFrame(() => showRows(surface, focus.label)));
  }
  const off = store.on("scene focus goes", frameFocus);
  frameFocus();
  return () => { drop(); off(); };
}

/** Scroll the page as little as shows the rows of a class. */
function showRows(surface, label) {
  const own = surface.rows().filter((row) => row.label === label);
  if (!own.length) return;
  const mark = document.createElement("div");
  const last = own[own.length - 1];
  mark.style.cssText = `position:absolute;left:0;width:1px;top:${own[0].top}px;height:${last.top + last.height - own[0].top}px`;
  surface.area.append(mark);
  mark.scrollIntoView({ block: "nearest", inline: "nearest" });
  mark.remove();
}
