"""What the exercises of 01b_own_corpus show."""

CHECKS = [
    (1, "_['train clips'] > 1.6 * summary(imported)['train clips'][0] and _['test clips'] == len(test)"),
    (2, "len(_) == len(imported.classes) - 1 and first not in _"),
    (3, "_['50/5/45']['test'] >= 4 and _['85/10/5']['test'] <= 2"),
]
