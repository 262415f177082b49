// What a group of widgets owes the page around it: keys stay with what has the focus, and a plot follows the width.

function render({ model, el }) {
  const stops = [];
  // The element is in the page only after this function returns.
  const waiting = requestAnimationFrame(() => {
    const root = el.closest(".sedlab-curve-explorer");
    if (!root) return;
    // JupyterLab would take keys on a focused button or list for commands of its own.
    const keep = (event) => event.target.setAttribute("data-lm-suppress-shortcuts", "true");
    root.addEventListener("focusin", keep);
    // A plot does not follow its place by itself: a side bar changes the width as well as the window does.
    const watcher = new ResizeObserver(() => {
      if (!root.clientWidth || root.clientWidth === model.get("width")) return;
      model.set("width", root.clientWidth);
      model.save_changes();
    });
    watcher.observe(root);
    stops.push(() => root.removeEventListener("focusin", keep), () => watcher.disconnect());
  });
  return () => { cancelAnimationFrame(waiting); for (const stop of stops) stop(); };
}

export default { render };
