"""What the exercises of 01a_augmentations show."""

CHECKS = [
    (1, "abs(_['50%'] - 0.024) < 0.005 and abs(_['mean'] - 0.10) < 0.01"),
    (2, "shown.labels[1][shown.labels[0].max(axis=1) > 0].max() < shown.labels[1].max()"),
    (3, "_[1] <= _[0]"),
    (4, "'30 dB' in wild.title"),
    (5, "0.4 < _['min'] < _['max'] < 3.01 and all(abs(s / 0.064 - round(s / 0.064)) < 1e-6 for s in lengths)"),
]
