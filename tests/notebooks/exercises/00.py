"""What the exercises of 00_tour show."""

CHECKS = [
    (1, "len(_.axes) == 27"),
    (2, "'wrapper' not in _ and _['transformer'] > sum(p.numel() for p in detector.network.transformer.parameters())"),
    (3, "results['PSDS1']['perfect'] - _ < 0.25"),
    (4, "len(_) == len(thresholds) and all(count >= 0 for count in _)"),
    (5, "list(_['disagreement']) == sorted(_['disagreement'], reverse=True) and len(desk.chosen) == 5"),
]
