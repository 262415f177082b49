// The browser's half of SaveButtons: asks for a file when a button is pressed, and saves what comes.

import { element } from "../../player/element.js";
import { rootOf } from "./parts.js";

const STYLE = `
.sedlab-saving { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 6px; color: var(--jp-ui-font-color1, #222); font: 12px/1.5 var(--jp-ui-font-family, sans-serif); }
.sedlab-saving button { font: inherit; padding: 2px 10px; color: inherit; background: var(--jp-layout-color2, #eee); border: 1px solid var(--jp-border-color1, #999); border-radius: 3px; cursor: pointer; }
.sedlab-saving button:focus-visible { outline: 2px solid var(--jp-brand-color1, #1976d2); outline-offset: 1px; }
`;

function render({ model, el }) {
  const root = rootOf(el, "saving", STYLE);
  const said = element("span", { role: "status" });
  const what = model.get("what");
  root.append(element("span", {}, `Save ${what} as`));
  for (const kind of model.get("kinds")) {
    const ask = () => { said.textContent = ""; model.send({ type: "save", kind }); };
    root.append(element("button", { type: "button", "aria-label": `Save ${what} as ${kind}`, onclick: ask }, kind));
  }
  root.append(said);

  function take(message, buffers) {
    if (message.type === "failed") said.textContent = message.message;
    if (message.type !== "file") return;
    const address = URL.createObjectURL(new Blob([buffers[0]]));
    element("a", { href: address, download: message.name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
    said.textContent = `saved ${message.name}`;
  }
  model.on("msg:custom", take);
  return () => model.off("msg:custom", take);
}

export default { render };
