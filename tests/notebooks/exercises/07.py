"""What the exercises of 07_compare show."""

CHECKS = [
    (1, "len(_.axes[0].patches) == 4"),
    (2, "set(more.num_units) == {'psds1'} and more.num_units['psds1'] > 0"),
    (3, "alone.parent.path == opened.path and runs.retrained_nodes(opened, alone) == []"),
    (4, "'iteration3_stage1_atst' in printed and 'iteration1_stage1_atst' in printed"),
    (4, "'\\npretrain' not in printed and '\\niteration2' in printed and 'taken from runs/nano' in printed"),
]
