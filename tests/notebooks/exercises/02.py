"""What the exercises of 02_pretrain show."""

CHECKS = [
    (1, "'pretrain_atst' in printed"),
    (1, "len(pd.read_csv(longer)) > len(history)"),
    (2, "len(_.axes[0].get_lines()) >= 2"),
    (3, "'iteration1_stage1_atst' in printed and 'pretrain' not in printed.replace('pretrain=null', '')"),
    (4, "0 <= _['student'] <= 1 and student.path != opened.path"),
]
