"""alexnet-study: the commands under one name, with the studies and profiles that ship."""

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from alexnet_study.commands.ending import command_named, finish

if TYPE_CHECKING:
    from alexnet_study.commands.options import Parser

PROGRAM = "alexnet-study"
COMMANDS = (
    *("check", "train", "study", "report", "reference", "predict", "export"),
    *("submit", "status", "cancel", "retry", "gpu-check", "logs"),
)


def main(program: str = PROGRAM) -> None:
    """Run the command that this process's arguments name, and exit with its code."""
    finish(carry_out, program)


def carry_out(program: str, words: Sequence[str]) -> int:
    """Run the command that the first word names; returns its exit code."""
    if words and words[0] in COMMANDS:
        return command_named(_module(words[0]))(f"{program} {words[0]}", words[1:])
    from alexnet_study.errors import RequestError
    from alexnet_study.provenance import version

    arguments = _parser(program).parse_args(words[:1])
    if arguments.version:
        print(f"{PROGRAM} {version()}, commit {_commit()}")
        return 0
    given = f"{arguments.command}: no such command" if arguments.command else "no command"
    raise RequestError(f"{given}; expected one of {', '.join(COMMANDS)}; see {program} --help")


def _module(command: str) -> str:
    return command.replace("-", "_")


def _parser(program: str) -> "Parser":
    import argparse

    from alexnet_study.commands.options import Parser
    from alexnet_study.shipped import PROFILES, STUDIES

    lines = [f"  {name:11}{_summary(name)}" for name in COMMANDS]
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


def _summary(command: str) -> str:
    module = importlib.import_module(f"alexnet_study.commands.{_module(command)}")
    return (module.__doc__ or "").splitlines()[0]


def _commit() -> str:
    from alexnet_study.provenance import code_state

    state = code_state()
    seen = "" if state.unseen is None else f" ({state.unseen})"
    return state.commit + seen + (" and uncommitted changes" if state.dirty else "")
