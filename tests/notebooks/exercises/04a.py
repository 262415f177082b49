"""What the exercises of 04a_scores show."""

CHECKS = [
    (1, "_[0] > 10 * _[1]"),
    (2, "0 < _ < 0.2"),
    (3, "'PSDS1' in printed"),
]
