"""What the exercises of 03_stage1 show."""

CHECKS = [
    (1, "_['decay 0'].equals(_['student']) and not _['decay 0.9'].equals(_['student'])"),
    (2, "_.loc['consistency strong', 'cells that teach'] == 1 and _.loc['weak', 'cells that teach'] < 0.5"),
    (3, "len(_) == 4 and _.is_monotonic_increasing"),
    (4, "'a difference of' in open('no-teacher.ipynb').read()"),
]
