"""What the exercises of 07_compare show."""

CHECKS = [
    (1, "len(_.axes[0].patches) == 4"),
    (2, "set(more.num_units) == {'psds1'} and more.num_units['psds1'] > 0"),
    (3, "alone.parent.path == opened.path and runs.retrained_nodes(opened, alone) == []"),
    (4, "'iteration3_stage1_atst' in printed and 'iteration1_stage1_atst' in printed"),
    # Where lines are long they are broken between words.
    (4, "__import__('re').search(r'pretrain_\\w+ +Missing', printed) is None and 'taken from' in printed"),
]
