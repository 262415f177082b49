"""What the exercises of 05_pseudo_labels show."""

CHECKS = [
    (1, "len(_) >= 1 and _['label'].is_unique and _['threshold'].between(0.05, 0.95).all()"),
    (2, "list(_.index) == ['logits', 'probabilities', 'both'] and (_ >= 0).all() and _['both'] > 0"),
    (3, "list(_.columns) == ['soft', 'rounded'] and len(_) == len(bins) and (_['rounded'] <= 1).all()"),
    (4, "_['lost_share'].is_monotonic_decreasing and (_['lost'] <= _['before']).all() and 'clear' in _"),
]
