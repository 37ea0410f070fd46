"""alexnet-study: the commands under one name, with the studies and profiles that ship."""

import argparse
import sys
from collections.abc import Sequence

from alexnet_study.commands import cancel, gpu_check, logs, reference, report, retry, status, study, submit, train
from alexnet_study.commands.ending import Command, finish
from alexnet_study.commands.options import Parser
from alexnet_study.errors import RequestError
from alexnet_study.provenance import code_state, version
from alexnet_study.shipped import PROFILES, STUDIES

PROGRAM = "alexnet-study"
COMMANDS: dict[str, Command] = {
    "train": train.main,
    "study": study.main,
    "report": report.main,
    "reference": reference.main,
    "submit": submit.main,
    "status": status.main,
    "cancel": cancel.main,
    "retry": retry.main,
    "gpu-check": gpu_check.main,
    "logs": logs.main,
}


def main(program: str = PROGRAM) -> None:
    """Run the command that this process's arguments name, and exit with its code."""
    finish(carry_out, program)


def carry_out(program: str, words: Sequence[str]) -> int:
    """Run the command that the first word names; returns its exit code."""
    parser = _parser(program)
    arguments = parser.parse_args(words[:1])
    if arguments.version:
        print(f"{PROGRAM} {version()}, commit {_commit()}")
        return 0
    if arguments.command not in COMMANDS:
        given = f"{arguments.command}: no such command" if arguments.command else "no command"
        raise RequestError(f"{given}; expected one of {', '.join(COMMANDS)}; see {program} --help")
    return COMMANDS[arguments.command](f"{program} {arguments.command}", words[1:])


def _parser(program: str) -> Parser:
    summaries = {name: (sys.modules[main.__module__].__doc__ or "").splitlines()[0] for name, main in COMMANDS.items()}
    lines = [f"  {name:11}{summary}" for name, summary in summaries.items()]
    shipped = [f"studies: {', '.join(STUDIES.names())}", f"profiles: {', '.join(PROFILES.names())}"]
    parser = Parser(
        prog=program,
        usage=f"{program} [--help] [--version] COMMAND …",
        description="A structural study of AlexNet on CIFAR-10. The commands:\n\n" + "\n".join(lines),
        epilog="\n".join([*shipped, f"{program} COMMAND --help tells what a command takes."]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="show version and commit")
    parser.add_argument("command", nargs="?", metavar="COMMAND", help="one of these")
    return parser


def _commit() -> str:
    state = code_state()
    seen = "" if state.unseen is None else f" ({state.unseen})"
    return state.commit + seen + (" and uncommitted changes" if state.dirty else "")
