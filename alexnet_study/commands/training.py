"""What the commands that train share: from their options to what the runs of a process have in common."""

import argparse

from alexnet_study.data.cache import load_dataset
from alexnet_study.runs.interruption import Interruption
from alexnet_study.training.pack import PackContext, available_device


def pack_context(arguments: argparse.Namespace, data: str, interruption: Interruption) -> PackContext:
    """Return what the runs share; `data` is the study's own source, which the options may replace."""
    return PackContext(
        data=load_dataset(arguments.data or data, cache=arguments.cache),
        results=arguments.results,
        device=available_device(),
        interruption=interruption,
        inexact_resume=arguments.allow_inexact_resume,
    )
