"""A structural study of AlexNet on CIFAR-10: train, analyse, aggregate, judge.

    runs = alexnet_study.load_runs("results/skip")

See `alexnet_study.api`, which is imported when one of its names is used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alexnet_study.api import Run, Runs, load_run, load_runs, make_report

__all__ = ["Run", "Runs", "load_run", "load_runs", "make_report"]


def __getattr__(name: str) -> Any:
    """Return what the API offers under a name; commands that don't use it don't wait for pandas."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from alexnet_study import api

    return getattr(api, name)


def __dir__() -> list[str]:
    """Return the names of the API beside the module's own."""
    return sorted([*globals(), *__all__])
