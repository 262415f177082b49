// The browser's half of NamedSlider.

import { element } from "../../player/element.js";
import { rootOf, seldom } from "./parts.js";

const STYLE = `
.sedlab-slider { display: flex; align-items: center; gap: 8px; min-height: 28px; color: var(--jp-ui-font-color1, #222); font: 13px var(--jp-ui-font-family, sans-serif); }
.sedlab-slider input { width: 160px; accent-color: var(--jp-brand-color1, #1976d2); }
.sedlab-slider output { min-width: 3em; font-variant-numeric: tabular-nums; }
`;
const SEND_EVERY_MS = 120;
const LEADS_MS = 1500;

function render({ model, el }) {
  const root = rootOf(el, "slider", STYLE);
  const input = element("input", { type: "range", min: model.get("min"), max: model.get("max"), step: model.get("step") });
  const output = element("output");
  root.append(element("label", {}, model.get("description"), " ", input), output);

  function show() {
    // While a person moves it the thumb leads, and Python's answer of a moment ago does not pull it back.
    if (performance.now() - moved > LEADS_MS) input.value = model.get("value");
    output.textContent = Number(input.value).toFixed(2);
  }
  let moved = -Infinity;
  const send = seldom(SEND_EVERY_MS, () => { model.set("value", Number(input.value)); model.save_changes(); });
  input.addEventListener("input", () => { moved = performance.now(); output.textContent = Number(input.value).toFixed(2); send(); });
  model.on("change:value", show);
  show();
  return () => model.off("change:value", show);
}

export default { render };
