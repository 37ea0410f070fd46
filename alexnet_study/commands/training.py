"""What the commands that train share: from their options to what the runs of a process have in common."""

import argparse

from alexnet_study.data.cache import load_dataset
from alexnet_study.data.dataset import Dataset
from alexnet_study.report.applicability import DataFacts
from alexnet_study.runs.interruption import Interruption
from alexnet_study.study.study import Study
from alexnet_study.training.device import usable_device
from alexnet_study.training.pack import PackContext


def pack_context(arguments: argparse.Namespace, study: Study, interruption: Interruption) -> PackContext:
    """Return what the runs share; the options may replace the study's own source of data.

    Raise RunError where a GPU was asked for and can't be used, before any time goes into the data.
    """
    device = usable_device(arguments.device)
    return PackContext(
        data=load_dataset(arguments.data or study.data, cache=arguments.cache, verify=arguments.verify),
        results=arguments.results,
        device=device,
        asked=arguments.device,
        interruption=interruption,
        inexact_resume=arguments.allow_inexact_resume,
        keep=study.keep,
    )


def facts(data: Dataset) -> DataFacts:
    """Return what decides which claims of a study the data can judge."""
    return DataFacts(kind=data.source.kind, classes=data.classes, test_images=len(data.test))
