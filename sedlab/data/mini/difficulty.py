"""How hard the mini corpus is: every number that makes its sounds easier or harder to find.

The sets differ as the real ones do. Synthetic soundscapes are clean mixtures; "real" recordings are farther from
the microphone, noisier and more reverberant; the public evaluation set is a little harder again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Difficulty:
    """Ranges to draw from, uniformly unless stated otherwise."""

    snr_db: tuple[float, float]
    """Level of an event over the background, both measured above 150 Hz."""
    reverb_seconds: tuple[float, float]
    """Reverberation time of the clip's room, log-uniform."""
    wet_db: tuple[float, float]
    """Level of the reverberation relative to the direct sound, drawn for each event (its distance)."""
    peak_db: tuple[float, float] = (-14.0, -1.0)
    """Peak of the finished clip relative to full scale."""
    device: bool = False
    """Whether a recording device colours the clip."""
    speech_probability: float = 0.35
    """Chance that somebody speaks in a clip whose main class is another."""
    second_class_probability: float = 0.45
    """Chance of a second main class."""
    short_clip_probability: float = 0.0
    """Chance that a clip lasts 5 to 10 s, as those at the end of a video do."""
    empty_clip_probability: float = 0.0
    """Chance of a clip without any event."""


SYNTH = Difficulty(snr_db=(8.0, 28.0), reverb_seconds=(0.1, 0.3), wet_db=(-24.0, -12.0))
REAL = Difficulty(
    snr_db=(5.0, 25.0),
    reverb_seconds=(0.15, 0.6),
    wet_db=(-20.0, -6.0),
    device=True,
    short_clip_probability=0.06,
)
DEVTEST = replace(REAL, empty_clip_probability=0.02)  # 15 of 1,168 in the DESED validation set
PUBLIC = Difficulty(snr_db=(3.0, 23.0), reverb_seconds=(0.15, 0.8), wet_db=(-18.0, -5.0), device=True)
AUDIOSET = Difficulty(
    snr_db=(2.0, 25.0), reverb_seconds=(0.1, 0.8), wet_db=(-20.0, -4.0), device=True, speech_probability=0.15
)

#: The MAESTRO-like recordings: polyphonic, distant.
MAESTRO_SNR_DB = (2.0, 20.0)
MAESTRO_REVERB_SECONDS = (0.3, 1.0)
MAESTRO_WET_DB = (-16.0, -5.0)

#: How able the simulated annotators are: chance to notice what is clearly audible.
ANNOTATOR_COMPETENCE = (0.65, 0.97)
#: SNR in dB at which a sound is noticed half of the time, and how many dB make it certain.
ANNOTATOR_THRESHOLD_DB = -9.0
ANNOTATOR_SLOPE_DB = 2.5
#: Chance by second that an annotator of no competence at all reports a class of the scene that is not there.
ANNOTATOR_FALSE_ALARM = 0.12
