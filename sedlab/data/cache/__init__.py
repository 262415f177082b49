"""All waveforms of a corpus in one file of 16-bit samples, so that any 10 s are read in a fraction of a millisecond.

``<folder>/waveforms.i16`` holds the clips one after another, mono, 16 kHz, little-endian; ``<folder>/index.tsv`` says
where each lies and which sound file (bytes, time of change, SHA-256) it was made from.

While it is built, ``<folder>/building.tsv`` says the same of what is there already, and there is no index. Building
only appends: interrupted, it goes on; a corpus that has grown costs what is new.
"""

from sedlab.data.cache.index import BUILDING as BUILDING
from sedlab.data.cache.index import INDEX as INDEX
from sedlab.data.cache.index import WAVEFORMS as WAVEFORMS
from sedlab.data.cache.waveforms import WaveformCache as WaveformCache
from sedlab.data.cache.waveforms import changed_sounds as changed_sounds
