"""Mean and spread of class curves against the library's own sum over classes."""

import numpy as np
import pytest

from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.psds import PSDS1, PSDS2, psds
from sedlab.scoring.metrics.spread import class_spread
from sedlab.scoring.scores.tables import score_tables


@pytest.mark.parametrize("scenario", [PSDS1, PSDS2])
def test_mean_minus_spread_is_psds_and_the_mean_is_that_of_the_classes(synthetic60, scenario):
    data = synthetic60
    tables = score_tables(data.probabilities, data.clip_ids, data.classes, data.times)
    result = psds(CountedEvents.of(tables, data.events, data.durations), scenario)
    found = class_spread(result.class_curves, scenario)
    assert found.psds == pytest.approx(result.overall, abs=1e-12)
    values = [value for value in result.per_class.values() if not np.isnan(value)]
    assert found.mean_area == pytest.approx(np.mean(values), abs=1e-12)
    assert found.mean_area > found.psds
