"""Every test here may ask for small detectors."""

from small_detectors import make_detector, noise, tiny

__all__ = ["make_detector", "noise", "tiny"]
