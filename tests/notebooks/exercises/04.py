"""What the exercises of 04_stage2 show."""

CHECKS = [
    (1, "list(_.index) == ['stage 1', 'stage 2'] and (_['c = 0.6'] > 0).all() and (_['c = 0.95'] > 0).all()"),
    (2, "'equaliser of its own' in runs.heard_differently(sedlab.load_experiment('paper').node('stage1', arch, 1))"),
    (3, "'a difference of' in open('flat.ipynb').read()"),
]
