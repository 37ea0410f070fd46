"""Every schedule of several attempts at one run: the real code, on a model of a file system.

An attempt's code is a function of what its operations replied so far. It is run from its start with the replies of one
history until it asks for one operation more; the histories form a tree whose nodes are the attempt's states, made when
they are first reached. The explorer then walks the graph of the states of all: the files, what each client remembers,
each attempt's node, who holds the folder. From each state every attempt that is not over may do its next operation, in
each outcome that the file system allows, or be killed. A state is expanded once.

Clocks: each attempt has one of its own, which only its own sleeping moves. Others may do any number of operations
meanwhile, so one is as slow against another as it pleases: nothing is assumed of how clocks agree.
"""

import errno
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from alexnet_study import files as files_module
from alexnet_study.errors import ReplacedError
from alexnet_study.runs import folder
from alexnet_study.runs.folder import RunFolder
from tests.runs.modelled_files import PUBLISHED, ROOT, Files, FileSystem, Operation, Reply, View, entry_of, is_linked

NOBODY = -1
FINISHED, REPLACED, KILLED = "finished", "replaced", "killed"
CHECKPOINT, SUMMARY = PUBLISHED
FIGURES = "figures"
FORGOTTEN = ("self", "rivals", "living", "newer")  # locals of take_over that it finds anew after each sleep


class Asks(BaseException):
    """Leaves the attempt's code where its next operation has no reply yet."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """How one attempt starts."""

    job: str
    restart: int = 0


@dataclass(eq=False)
class Node:
    """One attempt's state: the replies that led to it; the operation that it asks for, or how it ended."""

    index: int
    who: int
    history: tuple[Reply, ...]
    operation: Operation | None
    outcome: str | None
    staging: str | None
    took_over: bool
    after: dict[Reply, "Node"] = field(default_factory=dict)


class Machine:
    """Stands in for what one attempt has of its machine: each operation is replied to from a history."""

    def __init__(self, who: int, history: tuple[Reply, ...]) -> None:
        self.who, self.history = who, history
        self.at = self.names = 0
        self.clock = 0.0
        self.asked: Operation | None = None
        self.staging: str | None = None
        self.took_over = False
        self._memory = 0, ""

    def call(self, *operation: str) -> Any:
        """Return the operation's reply, raise its error, or leave the attempt's code: the history ends here."""
        if self.asked is None and self.at < len(self.history):
            kind, value = self.history[self.at]
            self.at += 1
            if kind == "error":
                number = int(str(value))
                raise OSError(number, errno.errorcode[number])
            return value
        self.asked = self.asked or operation  # what runs while the exception leaves the code asks for nothing
        raise Asks

    def hexadecimal(self) -> str:
        """Return what no other attempt and no other call returns, as a UUID's digits."""
        frame = sys._getframe(2).f_back
        if frame is not None and frame.f_code.co_name == "release":
            self.forget(f"release {sys.exc_info()[0]}", names=200)
        self.names += 1
        return f"{self.who:x}{self.names:07x}{0:024x}"

    def sleep(self, seconds: float, frame: types.FrameType) -> None:
        """Let the attempt's own clock go on; `frame` is the caller's."""
        self.clock += seconds
        if frame.f_code.co_name == "take_over" and self.asked is None:
            known = {name: value for name, value in frame.f_locals.items() if name not in FORGOTTEN}
            told = sorted((name, str(vars(value)) if name == "watch" else str(value)) for name, value in known.items())
            self._memory = self.at, f"{self.clock} {self.names} {told}"

    def forget(self, what: str, *, names: int) -> None:
        """Begin a part of the attempt that uses nothing of what came before but its clock and the names it gave."""
        if self.asked is None:
            self.clock, self.names = names, names
            self._memory = self.at, what

    @property
    def memory(self) -> object:
        """All that the attempt knows: since it last forgot, what its operations replied."""
        at, known = self._memory
        return known, self.history[at:]


class ModelledPath:
    """What the fence uses of a Path, in a run folder; `text` is relative to it."""

    def __init__(self, machine: Machine, text: str) -> None:
        self.machine, self.text = machine, text

    def __str__(self) -> str:
        return self.text

    def __truediv__(self, name: str) -> "ModelledPath":
        return ModelledPath(self.machine, f"{self.text}/{name}" if self.text else name)

    @property
    def name(self) -> str:
        return self.text.rpartition("/")[2]

    @property
    def parent(self) -> "ModelledPath":
        return ModelledPath(self.machine, self.text.rpartition("/")[0])

    def with_name(self, name: str) -> "ModelledPath":
        return self.parent / name

    def glob(self, pattern: str) -> list["ModelledPath"]:
        return [self / name for name in self.machine.call("names", pattern.removesuffix("*"))]

    def stat(self) -> str:
        return str(self.machine.call("node", self.text))

    def exists(self) -> bool:
        try:
            self.stat()
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ESTALE):
                raise
            return False
        return True

    is_dir = is_file = exists

    def mkdir(self, *, parents: bool = False, exist_ok: bool = False) -> None:
        try:
            self.machine.call("mkdir", self.text)
        except FileExistsError:
            if not exist_ok:
                raise
        self.machine.staging = self.text

    def read_text(self) -> str:
        return str(self.machine.call("read", self.text))

    def write_text(self, content: str) -> None:
        self.machine.call("put", self.machine.call("open", self.text), content)

    def unlink(self, *, missing_ok: bool = False) -> None:
        try:
            self.machine.call("unlink", self.text)
        except FileNotFoundError:
            if not missing_ok:
                raise

    @contextmanager
    def open(self, mode: str) -> Iterator["ModelledFile"]:
        file = ModelledFile(self.machine, self.machine.call("open", self.text))
        try:
            yield file
        finally:
            file.flush()


class ModelledFile:
    """A file opened for writing: nothing of it is seen before `flush`."""

    def __init__(self, machine: Machine, node: str) -> None:
        self.machine, self.node, self.content = machine, node, b""

    def write(self, content: bytes) -> None:
        self.content += content

    def flush(self) -> None:
        if self.content:
            content, self.content = self.content, b""
            self.machine.call("put", self.node, content.decode())

    def fileno(self) -> str:
        return self.node


class ProcessPath:
    """What the fence reads below /proc; every attempt on a machine has one process, whose id is its number."""

    def __init__(self, machine: Machine, text: str, *, one_machine: bool) -> None:
        self.machine, self.text, self.one_machine = machine, text, one_machine

    def read_text(self) -> str:
        if self.text.endswith("boot_id"):
            return "boot" if self.one_machine else f"boot{self.machine.who}"
        pid = self.text.split("/")[2]
        lives = int(pid) == self.machine.who or self.machine.call("lives", pid)
        return f"{pid} (python) {'S' if lives else 'Z'} " + "7 " * 20


def remove_tree(path: ModelledPath, *, ignore_errors: bool) -> None:
    """Do as shutil.rmtree does, which ignores all errors here: through a handle of the folder."""
    assert ignore_errors
    machine = path.machine
    with suppress(OSError):
        _empty(machine, machine.call("open_folder", path.text))
        machine.call("rmdir", path.text)


def _empty(machine: Machine, folder: str) -> None:
    with suppress(OSError):
        for name, is_folder in machine.call("names_at", folder):
            with suppress(OSError):
                if is_folder:
                    _empty(machine, machine.call("open_folder_at", folder, name))
                    machine.call("rmdir_at", folder, name)
                else:
                    machine.call("unlink_at", folder, name)


class Program:
    """An attempt at a run, of the real modules, their machine replaced."""

    def __init__(
        self, fencing: types.ModuleType, *, one_machine: bool, patch: Callable[[object, str, object], None]
    ) -> None:
        self.fencing = fencing
        self.machine = Machine(0, ())
        no_effect = {"fsync": lambda handle: None, "close": lambda handle: None, "O_RDONLY": 0}
        rename = lambda source, target: self.machine.call("rename", source.text, target.text)  # noqa: E731
        system = types.SimpleNamespace(
            **no_effect,
            open=lambda path, flags: 0,
            rename=rename,
            replace=rename,
            getpid=lambda: self.machine.who,
            readlink=lambda path: "pid:[1]",
            fstat=lambda node: node,
            path=types.SimpleNamespace(samestat=lambda one, other: one == other),
        )
        unique = types.SimpleNamespace(uuid4=lambda: types.SimpleNamespace(hex=self.machine.hexadecimal()))
        clock = types.SimpleNamespace(
            monotonic=lambda: self.machine.clock,
            monotonic_ns=lambda: round(self.machine.clock * 1e9),
            sleep=lambda seconds: self.machine.sleep(seconds, sys._getframe(1)),
        )
        for name, value in {
            "os": system,
            "uuid": unique,
            "time": clock,
            "shutil": types.SimpleNamespace(rmtree=remove_tree),
            "Path": lambda text: ProcessPath(self.machine, text, one_machine=one_machine),
            "POLL_SECONDS": 1,
            "SILENCE_SECONDS": 1,
            "HANDOVER_SECONDS": 1,
        }.items():
            patch(fencing, name, value)
        patch(files_module, "os", system)
        patch(files_module, "uuid", unique)
        patch(folder, "Fence", fencing.Fence)

    def run(self, start: Start, who: int, history: tuple[Reply, ...]) -> tuple[Machine, str | None]:
        """Run the attempt with these replies; return its machine, and how the attempt ended if it did."""
        self.machine = machine = Machine(who, history)
        try:
            self._attempt(start)
        except Asks:
            return machine, None
        except ReplacedError:
            return machine, REPLACED
        except Exception as error:
            return machine, f"{type(error).__name__}: {error}"
        return machine, FINISHED

    def _attempt(self, start: Start) -> None:
        """Hold the folder; write a checkpoint, end where a newer attempt waits, write the summary."""
        run = RunFolder(ModelledPath(self.machine, ""))  # type: ignore[arg-type]
        with run.held(job=start.job, restart=start.restart):
            self.machine.took_over = True
            self.machine.forget("took over", names=100)
            if not run.summary.exists():
                run.write(run.checkpoint, str(self.machine.who).encode())
                self.machine.clock += 1
                run.fence.beat()
                if run.fence.superseded():
                    raise ReplacedError(REPLACED)
                run.write(run.summary, FIGURES.encode())
            run.drop(run.checkpoint)


class Fault(Exception):  # noqa: N818 - what the exploration looks for
    """A property that does not hold, with the schedule that shows it."""

    def __init__(self, what: str, trace: list[str]) -> None:
        super().__init__("\n".join([what, *trace]))
        self.what, self.trace = what, trace


class State(NamedTuple):
    """Of all: the files, who holds the folder, each one's node and view; what may still go wrong, who may still run."""

    files: int
    owner: int
    nodes: tuple[int, ...]
    views: tuple[int, ...]
    killed: int  # a bit for each
    fenced: int  # a bit for each whose staging folder another one took away
    kills: int
    losses: int
    turn: int
    switches: int


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What one exploration allows; `switches` None: every schedule."""

    kills: int
    losses: int
    switches: int | None = None


class Explorer:
    """The graph of all states of some attempts at one run."""

    def __init__(self, program: Program, system: FileSystem, starts: list[Start], bounds: Bounds) -> None:
        self.program, self.system, self.starts, self.bounds = program, system, starts, bounds
        self.nodes: list[Node] = []
        self.memories: dict[object, Node] = {}
        self.all_files: list[Files] = []
        self.views: list[View] = []
        self.file_ids: dict[Files, int] = {}
        self.view_ids: dict[View, int] = {}
        self.outcomes: dict[tuple[int, int, Operation], list[tuple[int, int, Reply, bool, bool]]] = {}
        self.linked: dict[tuple[int, str], bool] = {}
        self.fresh: dict[int, str] = {}
        self.parents: dict[State, tuple[State, str] | None] = {}
        self.transitions = 0
        self.ends = 0

    def explore(self) -> int:
        """Walk the whole graph; return the number of states; raise Fault at the first property that fails."""
        many = len(self.starts)
        first = State(
            self._files(frozenset()),
            NOBODY,
            tuple(self._node(who, ()).index for who in range(many)),
            (self._view(None),) * many,
            0,
            0,
            self.bounds.kills,
            self.bounds.losses,
            NOBODY,
            -1 if self.bounds.switches is None else self.bounds.switches,
        )
        self.parents[first] = None
        self.expanded = first
        stack = [first]
        while stack:
            self.expanded = state = stack.pop()
            over = True
            for after, step in self._steps(state):
                over = False
                self.transitions += 1
                if after not in self.parents:
                    self.parents[after] = (state, step)
                    stack.append(after)
            if over:
                self._check_end(state)
        return len(self.parents)

    def _steps(self, state: State) -> Iterator[tuple[State, str]]:
        for who, index in enumerate(state.nodes):
            node = self.nodes[index]
            if node.operation is None or state.killed >> who & 1:
                continue
            if state.kills:
                yield self._kill(state, who), f"{who}: is killed"
            switches = state.switches
            if switches >= 0 and state.turn not in (who, NOBODY):
                last = state.turn
                blocked = self.nodes[state.nodes[last]].operation is None or state.killed >> last & 1
                switches -= not blocked
                if switches < 0:
                    continue
            turn = who if state.switches >= 0 else NOBODY
            yield from self._step(state._replace(turn=turn, switches=switches), who, node)

    def _kill(self, state: State, who: int) -> State:
        views = _with(state.views, who, self._view(None))
        nodes = _with(state.nodes, who, 0)
        return state._replace(killed=state.killed | 1 << who, kills=state.kills - 1, views=views, nodes=nodes)

    def _step(self, state: State, who: int, node: Node) -> Iterator[tuple[State, str]]:
        assert node.operation is not None
        step = f"{who}: {' '.join(node.operation)}"
        if node.operation[0] == "lives":
            reply: Reply = ("ok", not state.killed >> int(node.operation[1]) & 1)
            yield self._after(state, who, node, state.files, state.views[who], reply), f"{step} -> {reply[1]}"
            return
        for files, view, reply, publishes, lost in self._outcomes(state.files, state.views[who], node.operation):
            if lost and not state.losses:
                continue
            told = f"{step} -> {errno.errorcode[int(str(reply[1]))] if reply[0] == 'error' else reply[1]}"
            if publishes and state.owner != who:
                self._fail(f"{who} changed a file while {state.owner} held the folder", told)
            self._check_files(state, files, told)
            now = state._replace(losses=state.losses - lost, fenced=self._fenced(state, who, files))
            after = self._after(now, who, node, files, view, reply)
            end = self.nodes[after.nodes[who]].outcome
            if end not in (None, FINISHED, REPLACED) and not after.fenced >> who & 1:
                self._fail(f"{who} ended by {end}", told)
            yield after, told

    def _after(self, state: State, who: int, node: Node, files: int, view: int, reply: Reply) -> State:
        after = node.after.get(reply)
        if after is None:
            after = node.after[reply] = self._node(who, (*node.history, reply))
        owner = state.owner
        if after.took_over and not node.took_over and is_linked(self.all_files[files], str(after.staging)):
            owner = who  # else a newer one has taken over already, and this one will see
        view = view if after.operation else self._view(None)
        return state._replace(
            files=files, owner=owner, nodes=_with(state.nodes, who, after.index), views=_with(state.views, who, view)
        )

    def _fenced(self, state: State, who: int, files: int) -> int:
        fenced = state.fenced
        if files != state.files:
            for other, index in enumerate(state.nodes):
                node = self.nodes[index]
                if other != who and node.staging and self._holds(state.files, node):
                    fenced |= (not self._holds(files, node)) << other
        return fenced

    def _holds(self, files: int, node: Node) -> bool:
        """Whether an attempt's staging folder is what it was, under its own name."""
        assert node.staging is not None
        key = files, node.staging
        if key not in self.linked:
            self.linked[key] = entry_of(self.all_files[files], ROOT, node.staging) is not None
        return self.linked[key]

    def _check_files(self, state: State, files: int, step: str) -> None:
        before, after = self._summary(state.files), self._summary(files)
        if before is not None and after is None:
            self._fail("the summary was lost", step)
        if after not in (None, FIGURES):
            self._fail("a summary is torn", step)

    def _summary(self, files: int) -> str | None:
        found = entry_of(self.all_files[files], ROOT, SUMMARY) if files != self.file_ids[frozenset()] else None
        return found.content if found else None

    def _check_end(self, state: State) -> None:
        self.ends += 1
        ends = [self.nodes[index].outcome for index in state.nodes]
        if not state.killed and FINISHED not in ends:
            self._fail("nobody was killed and nobody finished")
        if state.files not in self.fresh:
            self.fresh[state.files] = self._start_again(state.files)
        if self.fresh[state.files] != FINISHED:
            self._fail(f"one more start: {self.fresh[state.files]}")

    def _start_again(self, files: int) -> str:
        """Let one more attempt run alone, the others being over; return how it ends, and what it leaves behind."""
        node, view = self._node(len(self.starts), ()), self._view(None)
        while node.operation:
            if node.operation[0] == "lives":
                reply: Reply = ("ok", False)
            else:
                files, view, reply, _, _ = self._outcomes(files, view, node.operation)[0]
            if reply not in node.after:
                node.after[reply] = self._node(node.who, (*node.history, reply))
            node = node.after[reply]
        left = [entry.name for entry in self.all_files[files] if entry.folder == ROOT]
        return str(node.outcome) if left == [SUMMARY] else f"{node.outcome}, but {sorted(left)} are left"

    def _outcomes(self, files: int, view: int, operation: Operation) -> list[tuple[int, int, Reply, bool, bool]]:
        key = files, view, operation
        if key not in self.outcomes:
            found = self.system.outcomes(self.all_files[files], self.views[view], operation)
            self.outcomes[key] = [
                (self._files(each.files), self._view(each.view), each.reply, each.publishes, each.lost)
                for each in found
            ]
        return self.outcomes[key]

    def _node(self, who: int, history: tuple[Reply, ...]) -> Node:
        start = self.starts[who] if who < len(self.starts) else self.starts[0]
        machine, outcome = self.program.run(start, who, history)
        memory = machine.memory if outcome is None else ""
        key = who, machine.staging, machine.took_over, memory, machine.asked, outcome
        if key not in self.memories:
            node = Node(
                index=len(self.nodes),
                who=who,
                history=history,
                operation=machine.asked if outcome is None else None,
                outcome=outcome,
                staging=machine.staging,
                took_over=machine.took_over,
            )
            self.nodes.append(node)
            self.memories[key] = node
        return self.memories[key]

    def _files(self, files: Files) -> int:
        if files not in self.file_ids:
            self.file_ids[files] = len(self.all_files)
            self.all_files.append(files)
        return self.file_ids[files]

    def _view(self, view: View) -> int:
        if view not in self.view_ids:
            self.view_ids[view] = len(self.views)
            self.views.append(view)
        return self.view_ids[view]

    def _fail(self, what: str, step: str | None = None) -> None:
        trace, state = [step] if step else [], self.expanded
        while (parent := self.parents[state]) is not None:
            state = parent[0]
            trace.insert(0, parent[1])
        raise Fault(what, trace)


def _with(values: tuple[int, ...], index: int, value: int) -> tuple[int, ...]:
    return (*values[:index], value, *values[index + 1 :])
