"""A study's finished runs without their arrays, and their report, small enough to commit.

alexnet-study reference --study skip --results results --target results/reference
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from alexnet_study.commands.options import study_parser


def main(program: str, words: Sequence[str]) -> int:
    """Report, copy, report again from the copy."""
    parser = study_parser(program, __doc__)
    parser.add_argument(
        "--target", type=Path, default=Path("results/reference"), metavar="DIR", help="where (results/reference)"
    )
    parser.add_argument("--force", action="store_true", help="replace a reference of more seeds, or of other data")
    arguments = parser.parse_args(words)
    from alexnet_study.commands.checked import checked_study
    from alexnet_study.report.reference import MEGABYTES, write_reference

    study = checked_study(arguments.study)
    page, megabytes = write_reference(study, arguments.results, arguments.target, force=arguments.force)
    if megabytes > MEGABYTES:
        print(f"note: {megabytes:.1f} MB is more than the {MEGABYTES:.0f} MB of a reference", file=sys.stderr)
    print(f"{megabytes:.1f} MB; report in {page}")
    return 0
