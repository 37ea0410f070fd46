"""What the exporters share: the figures and the configuration of a run, under flat names."""

from collections.abc import Iterator, Mapping

from alexnet_study.api import Run
from alexnet_study.report.values import values_of
from alexnet_study.runs.records import EpochRecord, as_json


def final_figures(run: Run) -> dict[str, float]:
    """Return the run's final figures by the path that study files give them, without those that are null."""
    single = values_of(run.variant, run.seed, run.summary, run.epochs).single
    return {metric: value for (_, metric), value in single.items() if value is not None}


def started(run: Run) -> float:
    """Return when the run first started, in seconds since 1970; 0 where nobody recorded it."""
    attempts = run.provenance.attempts
    return attempts[0].start if attempts else 0.0


def learning_curves(run: Run) -> Iterator[tuple[int, float, dict[str, float]]]:
    """Yield after each epoch how many were trained, when that was, and the figures of metrics.jsonl.

    The time is in seconds since 1970: of the run's first start and, from there, of training alone.
    """
    now = started(run)
    for record in run.epochs:
        now += record.seconds
        yield record.epoch + 1, now, _numbers(record)


def configuration(run: Run) -> dict[str, str]:
    """Return what determines the run's result as texts, by names such as `recipe.epochs`."""
    return dict(_flat(run.identity.as_json()))


def _numbers(record: EpochRecord) -> dict[str, float]:
    fields = as_json(record)
    assert isinstance(fields, dict)
    return {f"epochs.{name}": float(value) for name, value in fields.items() if name != "epoch" and value is not None}


def _flat(content: Mapping[str, object], start: str = "") -> Iterator[tuple[str, str]]:
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{start}{name}.")
        else:
            yield f"{start}{name}", ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
