// The browser's half of CopyCall: a button that puts a line of Python into the clipboard and says so.

import { copyText } from "../player/clipboard.js";

const STYLE = `
.sedlab-copy { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 8px; min-width: 0; font: 12px/1.5 var(--jp-ui-font-family, sans-serif); color: var(--jp-ui-font-color1, #222); }
.sedlab-copy button { font: inherit; padding: 2px 10px; color: inherit; background: var(--jp-layout-color2, #eee); border: 1px solid var(--jp-border-color1, #999); border-radius: 3px; cursor: pointer; }
.sedlab-copy button:focus-visible { outline: 2px solid var(--jp-brand-color1, #1976d2); outline-offset: 1px; }
.sedlab-copy code { flex: 0 1 auto; min-width: 0; overflow-x: auto; white-space: nowrap; padding: 2px 6px; font-family: var(--jp-code-font-family, monospace); color: inherit; background: var(--jp-layout-color1, #fff); border: 1px solid var(--jp-border-color2, #ccc); border-radius: 3px; }
`;

function render({ model, el }) {
  const root = document.createElement("div");
  root.className = "sedlab-copy";
  // JupyterLab would take keys for commands of its own.
  root.dataset.lmSuppressShortcuts = "true";
  const style = document.createElement("style");
  style.textContent = STYLE;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy the call";
  button.title = "Copy the line of Python that shows this view again";
  const code = document.createElement("code");
  code.tabIndex = 0;
  code.setAttribute("role", "textbox");
  code.setAttribute("aria-readonly", "true");
  code.setAttribute("aria-label", "Line of Python that shows this view again");
  const said = document.createElement("span");
  said.setAttribute("role", "status");
  root.append(style, button, code, said);
  el.append(root);

  let clearing = 0;
  async function copy() {
    clearTimeout(clearing);
    try {
      await copyText(model.get("call"));
      said.textContent = "copied";
      clearing = setTimeout(() => { said.textContent = ""; }, 4000);
    } catch (error) {
      said.textContent = error.message;
    }
  }
  function show() {
    code.textContent = model.get("call");
    root.style.display = model.get("call") ? "flex" : "none";
    said.textContent = "";
  }
  button.addEventListener("click", copy);
  model.on("change:call", show);
  show();
  return () => { clearTimeout(clearing); model.off("change:call", show); };
}

export default { render };
