"""What the exercises of 01_data show."""

CHECKS = [
    (1, "(_.loc['as above'] != _.loc['swapped']).to_numpy().nonzero()[0].tolist() == [31 - 28]"),
    (1, "_.loc['swapped', 31].round(3) == 0.2"),
    (2, "0 < (_.loc['alike'] - _.loc['by competence']).abs().max() < 0.1"),
    (3, "_['without'] >= _['batches with'] > 0"),
    (4, "[ax.get_title(loc='left').split(':')[0] for ax in _.axes][-1] == 'pseudo'"),
]
