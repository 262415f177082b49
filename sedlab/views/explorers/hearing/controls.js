// The controls of the spectrogram viewer: which sound, which augmentation, how strong, which draw, which side.

import { element } from "../../player/element.js";

const SIDES = { before: "before", after: "after", difference: "difference" };

/** Return one strength in words. */
export function strengthText(choice, value) {
  const shown = Number.isInteger(value) ? value : Number(value.toFixed(2));
  return `${shown} ${choice.unit}${value === choice.published ? " (published)" : ""}`;
}

/** Return the key `by` places on in a queue; undefined at its ends. */
export function stepped(queue, key, by) {
  return queue[queue.indexOf(key) + by];
}

/** Put controls into `root`; `set(changes)` changes traits of `model`. Returns {show(view), step, turnSide, draw}. */
export function mountControls({ root, model, set }) {
  const labelled = (said, control) => element("label", {}, said, control);
  const sounds = element("select", { onchange: () => set({ key: sounds.value }) });
  const previous = element("button", { type: "button", "aria-label": "Previous sound (p)", title: "Previous sound (p)", onclick: () => step(-1) }, "‹");
  const next = element("button", { type: "button", "aria-label": "Next sound (n)", title: "Next sound (n)", onclick: () => step(1) }, "›");
  const start = element("input", { type: "number", min: "0", step: "1", onchange: () => set({ start: Math.max(0, Number(start.value) || 0) }) });
  const chooser = element("select", { onchange: () => set({ augmentation: chooser.value }) });
  const slider = element("input", { type: "range", min: "0", step: "1", oninput: () => set({ strength: choice().values[Number(slider.value)] }) });
  const reading = element("output", { class: "reading" });
  const asTrained = element("input", { type: "checkbox", onchange: () => set({ strength: asTrained.checked ? null : choice().published }) });
  const seed = element("input", { type: "number", min: "0", step: "1", onchange: () => set({ seed: Math.max(0, Math.round(Number(seed.value)) || 0) }) });
  const again = element("button", { type: "button", title: "Draw again (d)", onclick: () => draw() }, "Draw again");
  const radios = Object.entries(SIDES).map(([side, said]) => {
    const radio = element("input", { type: "radio", name: `side-${mountControls.count}`, value: side, onchange: () => set({ side }) });
    return element("label", {}, radio, said);
  });
  mountControls.count += 1;

  const which = element("div", { class: "bar" }, element("span", { class: "set" }, previous, labelled("Sound ", sounds), next), labelled("from (s) ", start));
  const strong = element("div", { class: "bar" }, labelled("Strength ", slider), reading, element("label", {}, asTrained, "drawn as in training"));
  const drawing = element("div", { class: "bar" }, labelled("Seed ", seed), again, element("fieldset", {}, element("legend", {}, "Show"), ...radios));
  const told = element("div", { class: "told" });
  const drawn = element("div", { class: "drawn", role: "status" });
  root.append(which, element("div", { class: "bar" }, labelled("Augmentation ", chooser)), strong, drawing, told, drawn);

  const choice = () => model.get("choices").find(({ name }) => name === model.get("augmentation")) ?? { name: "none", values: [] };

  function step(by) {
    const key = stepped(model.get("queue"), model.get("key"), by);
    if (key !== undefined) set({ key });
  }

  function draw() {
    if (choice().name !== "none") set({ seed: model.get("seed") + 1 });
  }

  function options(select, entries, chosen) {
    const said = JSON.stringify(entries);
    if (select.dataset.entries !== said) {
      select.replaceChildren(...entries.map(([value, text]) => element("option", { value }, text)));
      select.dataset.entries = said;
    }
    select.value = chosen;
  }

  function show(view) {
    const { name, values, what, published, drawn: recipe } = choice();
    const queue = model.get("queue");
    options(sounds, queue.map((key) => [key, key.split("/").slice(-2).join("/")]), model.get("key"));
    previous.disabled = stepped(queue, model.get("key"), -1) === undefined;
    next.disabled = stepped(queue, model.get("key"), 1) === undefined;
    start.parentNode.hidden = !view || view.length <= view.seconds;
    start.value = model.get("start");
    options(chooser, model.get("choices").map((one) => [one.name, one.title]), name);
    const strength = model.get("strength");
    strong.hidden = !values.length;
    if (values.length) {
      slider.max = values.length - 1;
      const nearest = strength === null ? values.indexOf(published) : values.indexOf(strength);
      slider.value = Math.max(0, nearest);
      asTrained.checked = strength === null;
      reading.textContent = strength === null ? "drawn" : strengthText(choice(), strength);
      slider.setAttribute("aria-valuetext", strength === null ? "drawn as in training" : strengthText(choice(), strength));
    }
    drawing.hidden = name === "none";
    seed.value = model.get("seed");
    for (const radio of radios) radio.firstChild.disabled = view !== null && !view.changed;
    for (const radio of radios) radio.firstChild.checked = radio.firstChild.value === model.get("side");
    told.textContent = what ? `${what[0].toUpperCase()}${what.slice(1)}. Published: ${recipe}.` : "";
    drawn.replaceChildren(...model.get("drawn").split("; ").map((line) => element("div", {}, line)));
  }

  return { show, step, draw, turnSide() {
    const sides = Object.keys(SIDES);
    if (choice().name !== "none") set({ side: sides[(sides.indexOf(model.get("side")) + 1) % sides.length] });
  } };
}
mountControls.count = 0;
