"""Data: verified and cached before anything is sent, and, where a profile says so, copied to the node's own disk.

python -m alexnet_study.cluster.node.staging SOURCE [CACHE] prepares a source and prints what it is as one line of JSON.
"""

import contextlib
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alexnet_study.cluster.plans.job_plan import JobPlan
from alexnet_study.errors import RequestError
from alexnet_study.study.normalisation import ChannelStatistics
from alexnet_study.study.validation import build


@dataclass(frozen=True, kw_only=True)
class PreparedData:
    """What data that is ready for runs is: its hash, the kind of its source, its classes, its test images' number.

    normalisation: the statistics by which its images are normalised where a study gives none.
    """

    content_hash: str
    kind: str
    classes: tuple[str, ...]
    test_images: int
    normalisation: ChannelStatistics


def prepared(source: str, cache: Path | None) -> PreparedData:
    """Verify and cache the data in a process of its own, so that this one needs no PyTorch; returns what it is.

    Downloads what is missing. RequestError says what is wrong with the source.
    """
    words = [sys.executable, "-m", __name__, source, *([] if cache is None else [str(cache)])]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RequestError(done.stdout.strip() or f"--data {source}: could not be prepared; see the lines above")
    return build(PreparedData, json.loads(done.stdout.splitlines()[-1]), "the prepared data")


@contextlib.contextmanager
def staged(plan: JobPlan) -> Iterator[Path | None]:
    """Yield the cache that a job's runs read: a copy on the node's own disk if the profile stages, else the plan's."""
    if not plan.profile.stage or plan.cache is None:
        yield plan.cache
        return
    with tempfile.TemporaryDirectory(prefix="alexnet-study-", dir=os.environ.get("SLURM_TMPDIR")) as folder:
        copy = Path(folder) / "data"
        shutil.copytree(plan.cache, copy)
        yield copy


def main() -> None:
    """Prepare one source; a mistake goes to standard output, to be told by the parent."""
    from alexnet_study.data.cache import load_dataset

    source, *cache = sys.argv[1:]
    try:
        data = load_dataset(source, cache=Path(cache[0]) if cache else None)
    except RequestError as error:
        print(error)
        sys.exit(2)
    own = PreparedData(
        content_hash=data.content_hash,
        kind=data.source.kind,
        classes=data.classes,
        test_images=len(data.test),
        normalisation=data.normalisation,
    )
    print(json.dumps(dataclasses.asdict(own)))


if __name__ == "__main__":
    main()
