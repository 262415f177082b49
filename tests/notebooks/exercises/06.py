"""What the exercises of 06_evaluate show."""

CHECKS = [
    (1, "_.axes[-1].texts[-1].get_text() == 'PSDS 0.95'"),
    (2, "short.label == 'Speech' and len(_.axes) == 4"),
    (3, "'PSDS1' in printed and __import__('pathlib').Path('boxes.json').is_file()"),
    (4, "set(_.index) == set(curves) and _['PSDS1'].min() >= 1 and len(_.columns) == 2"),
]
