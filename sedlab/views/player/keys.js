// The keys of a player: each is added with what it does, so that the help can list all of them.

/** Return a registry of keys that listens on `root`; typing in a field is left alone. */
export function makeKeys(root) {
  const bindings = [];

  function onKeyDown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (isPressing(event)) return;
    // What was added last is asked first; what says false leaves the key to the others, and to the page.
    const taken = bindings.toReversed().some((binding) => binding.keys.includes(event.key) && binding.run(event) !== false);
    if (!taken) return;
    event.preventDefault();
    event.stopPropagation();
  }

  root.addEventListener("keydown", onKeyDown);
  return {
    /** `keys`: values of KeyboardEvent.key; `run` may return false: not for me. Returns a function that takes it away. */
    add(binding) {
      bindings.push(binding);
      return () => bindings.splice(bindings.indexOf(binding), 1);
    },
    list: () => bindings.map(({ keys, what, group }) => ({ keys, what, group: group ?? "Player" })),
    dispose: () => root.removeEventListener("keydown", onKeyDown),
  };
}

/** Say whether a key presses the button, or turns the box, that has the focus. */
function isPressing(event) {
  const can = event.target?.tagName === "BUTTON" || event.target?.tagName === "INPUT" || event.target?.tagName === "SUMMARY";
  return can && (event.key === " " || event.key === "Enter");
}

/** Say whether keys go into a text field, a chooser or a slider there. */
export function isTyping(target) {
  if (!target?.tagName) return false;
  return target.isContentEditable || ["TEXTAREA", "SELECT"].includes(target.tagName)
    || (target.tagName === "INPUT" && !["checkbox", "button", "radio"].includes(target.type));
}
