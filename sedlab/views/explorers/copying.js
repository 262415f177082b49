// The browser's half of CopyCall: a button that puts a line of Python into the clipboard and says so.

const STYLE = `
.sedlab-copy { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 8px; min-width: 0; font: 12px/1.5 var(--jp-ui-font-family, sans-serif); color: var(--jp-ui-font-color1, #222); }
.sedlab-copy button { font: inherit; padding: 2px 10px; color: inherit; background: var(--jp-layout-color2, #eee); border: 1px solid var(--jp-border-color1, #999); border-radius: 3px; cursor: pointer; }
.sedlab-copy button:focus-visible { outline: 2px solid var(--jp-brand-color1, #1976d2); outline-offset: 1px; }
.sedlab-copy code { flex: 0 1 auto; min-width: 0; overflow-x: auto; white-space: nowrap; padding: 2px 6px; font-family: var(--jp-code-font-family, monospace); color: inherit; background: var(--jp-layout-color1, #fff); border: 1px solid var(--jp-border-color2, #ccc); border-radius: 3px; }
`;

/** Put text into the clipboard; where the browser keeps it from a page (no https), as a selection that is copied. */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.setAttribute("aria-hidden", "true");
    Object.assign(area.style, { position: "fixed", opacity: "0" });
    const before = document.activeElement;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    before?.focus?.();
    if (!done) throw new Error("the browser does not let this page write to the clipboard: select the line and copy it");
  }
}

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
