// A scene as Python packs it (scene.py): JSON in which {buffer: k} stands for the k-th of the bytes.

/** Return the scene with typed arrays in the place of its buffers. */
export function unpack(content, buffers) {
  const bytes = (place) => {
    const view = buffers[place.buffer];
    return view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  };
  const doubles = (place) => (place ? new Float64Array(bytes(place)) : null);
  const audio = new Uint8Array(bytes(content.audio));
  return {
    ...content,
    mel: content.mel && { ...content.mel, values: new Uint8Array(bytes(content.mel.values)) },
    audio,
    samples: samplesOf(audio),
    systems: content.systems.map((system) => ({
      ...system,
      times: doubles(system.times),
      ways: { none: doubles(system.ways.none), median: doubles(system.ways.median) },
    })),
  };
}

/** Return the 16-bit samples of a mono WAV file; none of an empty one. */
export function samplesOf(wav) {
  if (wav.byteLength < 44) return new Int16Array(0);
  const view = new DataView(wav.buffer, wav.byteOffset, wav.byteLength);
  let at = 12;
  while (at + 8 <= wav.byteLength) {
    const size = view.getUint32(at + 4, true);
    const isData = view.getUint32(at, false) === 0x64617461;
    if (isData) return new Int16Array(wav.slice(at + 8, at + 8 + size - (size % 2)).buffer);
    at += 8 + size + (size % 2);
  }
  return new Int16Array(0);
}
