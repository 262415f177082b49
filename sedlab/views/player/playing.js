// The sound and the playhead: the browser moves it every animation frame, by a clock where it cannot play.

import { element } from "./element.js";

const STALLED_MS = 700;
const STARTED = "sedlab-play-started";

/** Return where playing goes on: at the start of what is looped when its end is reached, else where it is. */
export function loopedTo(seconds, selection, looping) {
  if (!looping || selection?.length !== 2) return seconds;
  return seconds >= selection[1] ? selection[0] : seconds;
}

/** Make the sound of a player in `root`; the store's scene is loaded, its speed, volume and loop are followed. */
export function makeSound(root, store) {
  const audio = element("audio", { preload: "auto", hidden: true });
  root.append(audio);
  let url = "";
  let key = null;
  let animation = 0;
  let told = 0;
  let clock = null;
  let started = null;
  let wantsToPlay = false;

  const duration = () => store.get("scene")?.duration ?? 0;
  const position = () => {
    if (!clock) return audio.currentTime;
    return clock.playing ? clock.from + (performance.now() - clock.since) / 1000 * store.get("speed") : clock.from;
  };
  const isPlaying = () => (clock ? clock.playing : !audio.paused && !audio.ended);

  function tell() {
    told = Math.min(position(), duration());
    store.set({ playhead: told, playing: isPlaying() });
  }

  function put(seconds) {
    if (clock) Object.assign(clock, { from: seconds, since: performance.now() });
    else audio.currentTime = seconds;
  }

  function seek(seconds) {
    put(Math.max(0, Math.min(seconds, duration())));
    tell();
  }

  function animate() {
    cancelAnimationFrame(animation);
    if (!isPlaying()) return tell();
    const now = position();
    const next = loopedTo(now, store.get("selection"), store.get("looping"));
    if (next !== now) put(next);
    else if (clock && now >= duration()) return pause();
    if (!clock && started && audio.currentTime !== started.at) started = null;
    if (!clock && started && performance.now() - started.since > STALLED_MS) useClock("no sound device");
    tell();
    animation = requestAnimationFrame(animate);
    return undefined;
  }

  /** Go on by a clock: the browser cannot play, and says why. */
  function useClock(why) {
    const from = audio.currentTime || told;
    clock = { from, since: performance.now(), playing: wantsToPlay };
    audio.pause();
    store.set({ silent: `This browser does not play the sound (${why}); the playhead moves by the clock.` });
    if (wantsToPlay) animate();
  }

  function play() {
    const scene = store.get("scene");
    if (!scene || !scene.duration) return;
    const selection = store.get("selection");
    const now = position();
    const isOutside = selection.length === 2 && store.get("looping") && (now < selection[0] || now >= selection[1]);
    if (isOutside) put(selection[0]);
    else if (now >= scene.duration - 0.01) put(0);
    wantsToPlay = true;
    // One sound at a time: other players hear of this event, other media of the page are told.
    document.dispatchEvent(new CustomEvent(STARTED, { detail: audio }));
    for (const other of document.querySelectorAll("audio, video")) if (other !== audio) other.pause();
    if (clock) {
      Object.assign(clock, { from: clock.from, since: performance.now(), playing: true });
      animate();
      return;
    }
    started = { at: audio.currentTime, since: performance.now() };
    audio.play().then(animate, (error) => {
      // A person's pause, or another clip, meanwhile is no failure.
      if (wantsToPlay && error.name !== "AbortError") useClock(error.message);
    });
  }

  function pause() {
    wantsToPlay = false;
    if (clock?.playing) Object.assign(clock, { from: Math.min(position(), duration()), playing: false });
    audio.pause();
    cancelAnimationFrame(animation);
    tell();
  }

  function load() {
    const scene = store.get("scene");
    if (scene && scene.key === key && url) return;
    const goesOn = wantsToPlay;
    audio.pause();
    if (!scene) return;
    key = scene.key;
    // A clip whose sound is not here is gone through by the clock.
    clock = scene.silence ? { from: 0, since: performance.now(), playing: false } : null;
    if (url) URL.revokeObjectURL(url);
    url = scene.audio.byteLength ? URL.createObjectURL(new Blob([scene.audio], { type: "audio/wav" })) : "";
    if (url) audio.src = url;
    else audio.removeAttribute("src");
    applySettings();
    store.set({ playhead: 0, silent: scene.silence ? `No sound (${scene.silence}); the playhead moves by the clock.` : "" });
    told = 0;
    // Who listens through a queue goes on listening.
    if (goesOn) play();
    else store.set({ playing: false });
  }

  function applySettings() {
    if (clock?.playing) Object.assign(clock, { from: position(), since: performance.now() });
    audio.preservesPitch = true;
    audio.playbackRate = store.get("speed");
    audio.defaultPlaybackRate = store.get("speed");
    audio.volume = store.get("volume");
  }

  function onStarted(event) {
    if (event.detail !== audio && (wantsToPlay || isPlaying())) pause();
  }
  // Any other sound of the page, say of an output, silences this one.
  function onOther(event) {
    if (event.target !== audio && wantsToPlay) pause();
  }
  document.addEventListener(STARTED, onStarted);
  document.addEventListener("play", onOther, true);
  audio.addEventListener("ended", () => { if (store.get("scene")) pause(); });
  audio.addEventListener("error", () => { if (url) useClock("it cannot be decoded"); });
  const offs = [
    store.on("scene", load),
    store.on("speed volume", applySettings),
    // Python, or another part, moved the playhead.
    store.on("playhead", () => { if (Math.abs(store.get("playhead") - told) > 1e-6) seek(store.get("playhead")); }),
  ];
  load();

  return {
    audio, seek, play, pause,
    toggle: () => (isPlaying() ? pause() : play()),
    dispose() {
      offs.forEach((off) => off());
      document.removeEventListener(STARTED, onStarted);
      document.removeEventListener("play", onOther, true);
      cancelAnimationFrame(animation);
      audio.pause();
      if (url) URL.revokeObjectURL(url);
    },
  };
}
