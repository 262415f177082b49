"""How a rule of detection is told beside a picture."""

import pytest

from sedlab.commands.detection.rule import detection_rule


@pytest.mark.parametrize(
    ("thresholds", "postprocess", "classes", "told"),
    [
        ([], None, [], "threshold 0.5, median filter"),
        (["0.3", "Dog=0.25"], "none", [], "threshold 0.3 (Dog 0.25), not filtered"),
        (["Dog=0.25"], "median", ["Cat"], "threshold 0.5, median filter"),
        (
            [f"c{k}=0.{k}" for k in range(1, 10) if k != 5],
            None,
            [],
            "threshold 0.5 (c1 0.1, c2 0.2, c3 0.3, c4 0.4 and 4 more)",
        ),
    ],
)
def test_thresholds_are_told_with_those_that_differ(thresholds, postprocess, classes, told):
    known = ["Cat", "Dog", "Speech", *(f"c{k}" for k in range(1, 10))]
    rule = detection_rule(known, thresholds=thresholds, postprocess=postprocess, classes=classes)
    assert rule.told().startswith(told)
