"""Where a figure of one further run of ours would lie: what a published figure is held against."""

from collections.abc import Sequence

from alexnet_study.report.collection import Collection
from alexnet_study.report.measures import measure
from alexnet_study.report.statistics.estimates import Array, Interval, prediction, proportion_prediction

Sample = tuple[float, Sequence[float] | Array]  # a variant's weight, and the values of its runs


def predict(collection: Collection, metric: str, samples: Sequence[Sample]) -> Interval | None:
    """Return the 95 % prediction interval of Σ weight · (one further run).

    A share of one variant is predicted on the logit scale, so that the interval stays in [0, 1]. None where a sample
    has one run, and where such a share is exactly 0 or 1 in a run and not of a known number of images.
    """
    own = measure(metric)
    if own.share and len(samples) == 1 and samples[0][0] == 1:
        return proportion_prediction(samples[0][1], collection.trials(own))
    return prediction(samples)
