"""Measure the player's own canvas against wavesurfer.js in headless chromium: first picture, next clip, zoom, size.

    cd /tmp && npm pack wavesurfer.js && tar xzf wavesurfer.js-*.tgz    # BSD-3; fetched to be measured, no dependency
    python benchmarks/drawing.py /tmp/package

Both draw clips of 10 s at 16 kHz, 960 pixels wide, with a spectrogram 170 pixels high; wavesurfer computes it in the
browser (plugin, mel scale, windows of 1024), the player gets log-mel bytes that Python made (time printed beside). The
player also draws reference, detections and scores of 4 systems. Times are elapsed, from the call to the second
animation frame after the drawing is said to be done; an empty page's two frames are printed to compare with.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from sedlab import views
from sedlab.labels import CLASSES
from sedlab.views import Scene, System
from sedlab.views.modules import joined

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "material"))
NUM_SYSTEMS = 4
ZOOMS = (1.5, 2, 3, 4, 6)
PREPARE = """
window.bytes = (text) => new DataView(Uint8Array.from(atob(text), (one) => one.charCodeAt(0)).buffer);
window.frame = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
window.timed = async (act) => {
  const began = performance.now();
  await act();
  await frame();
  return performance.now() - began;
};
0;
"""
OWN = """async (clips) => {
  const { unpack } = await part("scene.js");
  const { makeStore } = await part("store.js");
  const { makeSurface } = await part("surface.js");
  const root = document.createElement("div");
  root.style.width = "960px";
  document.getElementById("place").replaceChildren(root);
  const packed = clips.map(([content, buffers]) => [content, buffers.map(bytes)]);
  const model = makeModel({ ...window.model.values, queue: [], key: "" }, async () => []);
  const drawn = () => new Promise((resolve) => root.addEventListener("sedlab-drawn", resolve, { once: true }));
  const out = { first: [], next: [], zoom: [], threshold: [] };
  let store, surface;
  const show = async (act) => { const done = drawn(); act(); await done; };
  out.first.push(await timed(() => show(() => {
    store = makeStore(model);
    store.set({ band: [] });
    surface = makeSurface(root, store);
    store.set({ scene: unpack(...packed[0]) });
  })));
  for (const one of packed.slice(1)) out.next.push(await timed(() => show(() => store.set({ scene: unpack(...one) }))));
  for (const zoom of ZOOMS) out.zoom.push(await timed(() => show(() => store.set({ span: [0, 10 / zoom] }))));
  store.set({ span: [] });
  for (let k = 0; k < 9; k += 1) {
    out.threshold.push(await timed(() => show(() => store.set({ threshold: 0.3 + k / 20 }))));
  }
  surface.dispose();
  return out;
}"""
OTHER = """async (clips) => {
  const root = document.createElement("div");
  root.style.width = "960px";
  document.getElementById("place").replaceChildren(root);
  const wav = ([content, buffers]) => new Blob([bytes(buffers[content.audio.buffer])], { type: "audio/wav" });
  const sounds = clips.map(wav);
  const out = { first: [], next: [], zoom: [] };
  let wave, mel;
  const done = () => Promise.all([
    new Promise((resolve) => wave.once("redrawcomplete", resolve)),
    new Promise((resolve) => (mel ? mel.once("ready", resolve) : resolve())),
  ]);
  const load = async (sound) => { const drawn = done(); await wave.loadBlob(sound); await drawn; };
  out.first.push(await timed(async () => {
    mel = MEL ? WaveSurfer.Spectrogram.create({ height: 170, labels: true, scale: "mel", fftSamples: 1024 }) : null;
    wave = WaveSurfer.create({ container: root, height: 56, sampleRate: 16000, plugins: mel ? [mel] : [] });
    await load(sounds[0]);
  }));
  for (const sound of sounds.slice(1)) out.next.push(await timed(() => load(sound)));
  for (const zoom of ZOOMS) {
    out.zoom.push(await timed(async () => { const drawn = done(); wave.zoom(96 * zoom); await drawn; }));
  }
  wave.destroy();
  return out;
}"""


def main() -> None:
    """Print the times of both, and how much code they are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wavesurfer", type=Path, help="the unpacked package: a folder with dist/wavesurfer.min.js")
    parser.add_argument("--clips", type=int, default=8, help="clips shown one after the other (default 8)")
    parser.add_argument("--repeats", type=int, default=3, help="how often each is measured, in turns (default 3)")
    options = parser.parse_args()
    scripts = [options.wavesurfer / "dist" / name for name in ("wavesurfer.min.js", "plugins/spectrogram.min.js")]
    from player_page import player_page

    scenes = [clip(number) for number in range(options.clips)]
    began = time.perf_counter()
    packed = [scene.pack() for scene in scenes]
    print(f"Python packs a clip in {1000 * (time.perf_counter() - began) / len(packed):.0f} ms")
    clips = [[content, [base64.b64encode(one).decode() for one in buffers]] for content, buffers in packed]

    sizes("own canvas, all of the player", joined(Path(views.__file__).parent / "player", "player.js").encode())
    sizes("wavesurfer.js with its spectrogram", b"".join(script.read_bytes() for script in scripts))
    zooms = str(list(ZOOMS))
    ways = {
        "own canvas, 4 systems": OWN.replace("ZOOMS", zooms),
        "wavesurfer.js, waveform alone": OTHER.replace("ZOOMS", zooms).replace("MEL ?", "false ?"),
        "wavesurfer.js with its spectrogram": OTHER.replace("ZOOMS", zooms).replace("MEL ?", "true ?"),
    }
    measured: dict[str, dict[str, list[float]]] = {name: {} for name in ways}
    for _ in range(options.repeats):
        with player_page(lambda key: scenes[0], ["clip"], width=1000) as page:  # a page that has drawn nothing yet
            page.evaluate(PREPARE)
            for script in scripts:
                page.add_script_tag(path=script)
            for name, code in ways.items():
                for what, times in page.evaluate(code, clips).items():
                    measured[name].setdefault(what, []).extend(times)
            idle = page.evaluate("timed(() => {})")
    print(f"two frames of a page that draws nothing: {idle:.0f} ms")
    for name, times in measured.items():
        print(
            f"{name:36} ms:",
            *(f"{what} {statistics.median(one):.0f} (from {min(one):.0f})" for what, one in times.items()),
        )


def clip(number: int) -> Scene:
    """Return a clip of 10 s of a tone in noise, with what ``NUM_SYSTEMS`` systems say of it."""
    rng, seconds = np.random.default_rng(number), np.arange(160000) / 16000
    sound = 0.2 * np.sin(2 * np.pi * (300 + 100 * number) * seconds) + 0.05 * rng.standard_normal(160000)
    systems = []
    for place in range(NUM_SYSTEMS):
        scores = rng.beta(1, 30, (156, len(CLASSES)))
        for column in rng.choice(len(CLASSES), 5, replace=False):
            start = rng.integers(0, 120)
            scores[start : start + 30, column] = rng.beta(6, 3, 30)
        systems.append(System(f"system {place + 1}", scores, np.arange(157) * 0.064, median=scores))
    events = pd.DataFrame({"onset": [1.0, 6.0], "offset": [4.0, 6.5], "label": ["Speech", "Dog"]})
    return Scene(f"clip{number}", sound, systems=tuple(systems), events=events)


def sizes(name: str, code: bytes) -> None:
    """Print how much code there is to send."""
    print(f"{name:36} {len(code) / 1000:.0f} kB, {len(gzip.compress(code)) / 1000:.0f} kB compressed")


if __name__ == "__main__":
    main()
