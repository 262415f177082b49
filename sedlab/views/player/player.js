// The browser's half of ClipPlayer: shows the picture, plays the sound, moves the playhead every animation frame.

const SEEK_SECONDS = 0.5;
const REPORT_SECONDS = 0.25;
const KEYS_FOR_PYTHON = ["n", "p"];

function element(tag, style = {}, attributes = {}) {
  const node = document.createElement(tag);
  Object.assign(node.style, style);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function render({ model, el }) {
  const root = element("div", { maxWidth: "100%", outlineOffset: "2px" }, {
    tabindex: "0",
    role: "group",
    class: "sedlab-player",
    // JupyterLab would take "n" or space for a command of its own.
    "data-lm-suppress-shortcuts": "true",
  });
  const frame = element("div", { position: "relative", display: "inline-block", maxWidth: "100%", cursor: "crosshair" });
  const image = element("img", { display: "block", maxWidth: "100%" });
  const head = element("div", {
    position: "absolute", top: "0", bottom: "0", width: "2px", background: "#00B8D4", pointerEvents: "none",
  }, { class: "sedlab-playhead" });
  const audio = element("audio", { display: "block", height: "32px", width: "min(100%, 480px)" }, {
    controls: "", preload: "auto",
  });
  const hint = element("div", { fontSize: "11px", color: "#666", margin: "2px 0" });
  hint.textContent = "Press the picture to listen from there. Space: play or pause · ← →: half a second · n, p: next, previous clip";
  frame.append(image, head);
  root.append(frame, audio, hint);
  el.append(root);

  const urls = {};
  let animation = 0;
  let reported = 0;

  function load(name, type, target) {
    const bytes = model.get(name);
    if (urls[name]) URL.revokeObjectURL(urls[name]);
    urls[name] = bytes && bytes.byteLength ? URL.createObjectURL(new Blob([bytes], { type })) : "";
    if (urls[name]) target.src = urls[name];
    else target.removeAttribute("src");
    target.style.display = urls[name] ? "block" : "none";
  }

  function place() {
    const left = model.get("left");
    const right = model.get("right");
    const duration = model.get("duration") || 1;
    const seconds = Math.min(audio.currentTime || 0, duration);
    head.style.left = `${100 * (left + (right - left) * seconds / duration)}%`;
    head.style.display = urls.audio ? "block" : "none";
  }

  function report() {
    reported = audio.currentTime;
    model.set("playhead", reported);
    model.save_changes();
  }

  function animate() {
    place();
    if (Math.abs(audio.currentTime - reported) >= REPORT_SECONDS) report();
    if (!audio.paused && !audio.ended) animation = requestAnimationFrame(animate);
  }

  function seek(seconds) {
    if (!urls.audio) return;
    audio.currentTime = Math.max(0, Math.min(seconds, model.get("duration")));
    place();
    report();
  }

  function toggle() {
    if (!urls.audio) return;
    if (audio.paused) audio.play().catch((error) => { hint.textContent = `The browser does not play: ${error.message}`; });
    else audio.pause();
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " ") toggle();
    else if (event.key === "ArrowRight") seek(audio.currentTime + SEEK_SECONDS);
    else if (event.key === "ArrowLeft") seek(audio.currentTime - SEEK_SECONDS);
    else if (event.key === "Home") seek(0);
    else if (KEYS_FOR_PYTHON.includes(event.key)) model.send({ type: "key", key: event.key });
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function onPress(event) {
    const box = image.getBoundingClientRect();
    const at = (event.clientX - box.left) / box.width;
    seek((at - model.get("left")) / (model.get("right") - model.get("left")) * model.get("duration"));
    root.focus();
  }

  function showDescription() {
    image.alt = model.get("description");
    root.setAttribute("aria-label", model.get("description") || "Clip player");
  }

  const showPicture = () => load("picture", "image/png", image);
  const showAudio = () => { audio.pause(); load("audio", "audio/wav", audio); reported = 0; place(); };

  root.addEventListener("keydown", onKey);
  frame.addEventListener("click", onPress);
  audio.addEventListener("play", () => { cancelAnimationFrame(animation); animate(); });
  audio.addEventListener("pause", report);
  audio.addEventListener("seeked", place);
  audio.addEventListener("error", () => { if (urls.audio) hint.textContent = "The browser cannot decode this sound."; });
  const listeners = [
    ["change:picture", showPicture],
    ["change:audio", showAudio],
    ["change:left change:right change:duration", place],
    ["change:description", showDescription],
  ];
  for (const [name, listener] of listeners) model.on(name, listener);
  showPicture();
  showAudio();
  showDescription();

  return () => {
    cancelAnimationFrame(animation);
    audio.pause();
    for (const [name, listener] of listeners) model.off(name, listener);
    for (const url of Object.values(urls)) if (url) URL.revokeObjectURL(url);
  };
}

export default { render };
