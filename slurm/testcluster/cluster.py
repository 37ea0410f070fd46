"""A real SLURM on this machine: a controller, two nodes with two pretended GPUs each, and its own munge.

python slurm/testcluster/cluster.py up         start it; prints the line `export SLURM_CONF=…` for clients and make
python slurm/testcluster/cluster.py down       stop what `up` started
python slurm/testcluster/cluster.py lose gpu1  the node's daemon dies; its processes live on (--power-off: they die too)
python slurm/testcluster/cluster.py back gpu1  the node returns
python slurm/testcluster/cluster.py controller-down, controller-up

It needs SLURM's and munge's programs (Debian: apt-get install slurm-wlm munge) and root; `up` has options for a second
user, accounting (slurmdbd, mariadb-server), a QOS that limits a user's jobs, and preemption. Its GPUs are device
files that take part in the scheduling only. Several can stand side by side, each in a folder of its own (--dir).
"""

import argparse
import contextlib
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from accounting import PROGRAMS as ACCOUNTING_PROGRAMS
from accounting import SLURM_CONF as ACCOUNTING_CONF
from accounting import Accounting

NODES = ("gpu1", "gpu2")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sinfo", "scontrol")
START_SECONDS = 60.0
USER = "user"  # the file that names the user who was made
SAVE_SECONDS = 7.0  # slurmctld saves a change some seconds after it

SLURM_CONF = """\
ClusterName=testcluster
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/{tasks}
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters={resources}
GresTypes=gpu
MaxArraySize={max_array_size}
ReturnToService=1
KillWait=2
SlurmdTimeout=12
SchedulerParameters=sched_interval=1,bf_interval=1
SlurmdParameters=config_overrides
NodeName=DEFAULT CPUs=2 RealMemory=10000 Gres=gpu:2
NodeName=gpu[1-2] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{node_port}-{last_port}]
"""
PARTITION_CONF = "PartitionName=main Nodes=ALL Default=YES State=UP MaxTime=INFINITE\n"
PREEMPTION_CONF = f"""\
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
{PARTITION_CONF.strip()} PriorityTier=1 GraceTime=5
PartitionName=urgent Nodes=ALL State=UP MaxTime=INFINITE PriorityTier=2
"""
GRES_CONF = "".join(f"NodeName=gpu[1-2] Name=gpu File=/dev/{device}\n" for device in ("zero", "null"))

CGROUP_CONF = "CgroupPlugin=cgroup/v1\nConstrainRAMSpace=yes\nConstrainSwapSpace=yes\n"
MEMORY_CONTROLLER = Path("/sys/fs/cgroup/memory/cgroup.procs")


class ClusterError(Exception):
    """The cluster cannot be started or found; one line says why."""


class Cluster:
    """The cluster that lives in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.conf = self.folder / "slurm.conf"

    def up(
        self,
        *,
        max_array_size: int = 1001,
        limit_memory: bool = False,
        user: str = "",
        accounting: bool = False,
        most_jobs: int = 0,
        preemption: bool = False,
    ) -> None:
        """Start it, unless it runs already; ClusterError where a program is missing or a daemon does not answer.

        limit_memory: jobs get the memory that they ask for and are killed where they use more. user: the name of an
        ordinary user of this machine, who is made and lives as long as the cluster. accounting: by slurmdbd and
        MariaDB. most_jobs: of a user in the queue, by a QOS of the accounting. preemption: a second partition, urgent,
        whose jobs return those of main to the queue.
        """
        if self.running():
            return
        accounting = accounting or most_jobs > 0
        self._check(ACCOUNTING_PROGRAMS if accounting else ())
        _check_new_user(user)
        if limit_memory and not os.access(MEMORY_CONTROLLER, os.W_OK):
            raise ClusterError(f"cannot limit memory: expected cgroup v1's memory controller, {MEMORY_CONTROLLER}")
        self.down()
        os.umask(0o022)  # users enter the folder, whatever the umask of who starts it
        self.folder.mkdir(mode=0o755)
        if user:
            (self.folder / USER).write_text(user)
            _carry_out("useradd", "--no-create-home", "--user-group", "--shell", "/bin/sh", user)
        (self.folder / "state").mkdir()
        ports = _free_ports()
        self._write_configuration(ports, max_array_size, limit_memory, accounting, preemption)
        self._start_munge()
        if accounting:
            self._start_accounting(ports, ["root", *([user] if user else [])], most_jobs)
        self.start_controller()
        for node in NODES:
            self.start_node(node)
        self.wait_until(lambda: set(self.node_states().values()) == {"idle"}, "the nodes to become idle")

    def down(self) -> None:
        """Stop everything that belongs to the folder, and remove it."""
        if not self.folder.exists():
            return
        if not self.conf.exists():
            raise ClusterError(f"{self.folder} holds no test cluster: expected a folder that `up` made")
        for pid in [*self._daemons(), *self._orphans()]:
            _kill(pid, signal.SIGKILL)
        self.wait_until(lambda: not self._daemons(), "the daemons to end")
        if (self.folder / USER).exists():
            _carry_out("userdel", (self.folder / USER).read_text())
        shutil.rmtree(self.folder)

    def running(self) -> bool:
        """Whether its controller answers."""
        return self.conf.exists() and self.client("scontrol", "ping").returncode == 0

    def start_controller(self) -> None:
        """Start slurmctld; it goes on from its saved state."""
        self._daemon("slurmctld", "-f", str(self.conf))
        self.wait_until(self.running, "slurmctld to answer")

    def stop_controller(self) -> None:
        """Kill slurmctld, once it has saved what it knows; nodes and jobs live on.

        Killed earlier it forgets jobs that it just took or started, and gives their numbers anew.
        """
        time.sleep(SAVE_SECONDS)
        pid = self._pid("slurmctld.pid")
        _kill(pid, signal.SIGKILL)
        self.wait_until(lambda: not _alive(pid), "slurmctld to end")

    def start_node(self, node: str) -> None:
        """Start the slurmd of `node`."""
        self._daemon("slurmd", "-f", str(self.conf), "-N", node)

    def lose_node(self, node: str, *, power_off: bool = False) -> None:
        """Kill the slurmd of `node`; with `power_off` the processes of its jobs too, else they live on unobserved."""
        pid = self._pid(f"slurmd-{node}.pid")
        _kill(pid, signal.SIGKILL)
        self.wait_until(lambda: not _alive(pid), f"slurmd of {node} to end")
        if power_off:
            for process in self._processes_of(node):
                _kill(process, signal.SIGKILL)

    def return_node(self, node: str) -> None:
        """Start the slurmd of a lost node, and put the node back to work."""
        self.start_node(node)
        self.wait_until(lambda: self._resume(node), f"{node} to return")

    def node_states(self) -> dict[str, str]:
        """State of each node by name, as sinfo says; empty while the controller is silent."""
        lines = self.client("sinfo", "--noheader", "--Node", "--format=%N %t").stdout.splitlines()
        return dict(line.split() for line in lines)

    def client(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The outcome of a client's command on this cluster."""
        return subprocess.run(words, env=self.environment(), capture_output=True, text=True, check=False)

    def environment(self) -> dict[str, str]:
        """The environment in which clients find this cluster."""
        return {**os.environ, "SLURM_CONF": str(self.conf)}

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Poll; ClusterError after a minute, with the last words of the logs."""
        deadline = time.monotonic() + START_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise ClusterError(f"waited {START_SECONDS:.0f} s for {what}; see the logs in {self.folder}")
            time.sleep(0.2)

    def _check(self, further: Sequence[str]) -> None:
        missing = [name for name in (*PROGRAMS, *further) if shutil.which(name, path=_path()) is None]
        if missing:
            packages = "slurm-wlm, munge" + (", slurmdbd, mariadb-server" if further else "")
            raise ClusterError(f"missing {', '.join(missing)}: install SLURM and munge (Debian: {packages})")
        if os.geteuid() != 0:
            raise ClusterError("a SLURM that runs jobs needs root: run it as root, or in a container")
        if len(str(self.folder)) > 80:
            raise ClusterError(f"--dir {self.folder}: expected a path of at most 80 characters (it holds a socket)")

    def _write_configuration(
        self, ports: Sequence[int], max_array_size: int, limit_memory: bool, accounting: bool, preemption: bool
    ) -> None:
        controller, first, slurmdbd, _ = ports
        text = SLURM_CONF.format(
            host=socket.gethostname(),
            folder=self.folder,
            controller_port=controller,
            node_port=first,
            last_port=first + len(NODES) - 1,
            max_array_size=max_array_size,
            tasks="cgroup" if limit_memory else "none",
            resources="CR_Core_Memory" if limit_memory else "CR_Core",
        )
        text += PREEMPTION_CONF if preemption else PARTITION_CONF
        text += ACCOUNTING_CONF.format(folder=self.folder, port=slurmdbd) if accounting else ""
        if limit_memory:
            (self.folder / "cgroup.conf").write_text(CGROUP_CONF)
        (self.folder / "gres.conf").write_text(GRES_CONF)
        self.conf.write_text(text)

    def _start_accounting(self, ports: Sequence[int], users: list[str], most_jobs: int) -> None:
        environment = {**self.environment(), "PATH": _path()}
        own = Accounting(folder=self.folder, port=ports[2], database_port=ports[3], environment=environment)
        try:
            own.start(self.wait_until)
            own.register("testcluster", users, most_jobs=most_jobs)
        except subprocess.CalledProcessError as error:
            name, code = error.cmd[0], error.returncode
            raise ClusterError(f"{name} ended with exit code {code}; see {self.folder}/accounting.log") from None

    def _start_munge(self) -> None:
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))
        files = {"key": key, "pid": self.folder / "munged.pid", "log": self.folder / "munged.log"}
        options = [f"--{name}-file={path}" for name, path in {**files, "seed": self.folder / "munged.seed"}.items()]
        self._daemon("munged", "--force", f"--socket={self.folder}/munge.socket", *options)

    def _daemon(self, *words: str) -> None:
        environment = {**self.environment(), "PATH": _path()}
        with (self.folder / "start.log").open("a") as log:
            done = subprocess.run(words, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL, check=False)
        if done.returncode:
            raise ClusterError(f"{words[0]} ended with exit code {done.returncode}; see {self.folder}/start.log")

    def _resume(self, node: str) -> bool:
        state = self.node_states().get(node, "")
        if state.startswith(("down", "drain")):
            self.client("scontrol", "update", f"nodename={node}", "state=resume")
        return state in ("idle", "mix", "alloc")

    def _pid(self, name: str) -> int:
        try:
            return int((self.folder / name).read_text())
        except (OSError, ValueError):
            raise ClusterError(f"{self.folder / name}: expected the process number of a daemon") from None

    def _daemons(self) -> list[int]:
        """Daemons whose command line names a file of the folder, or whose environment its slurm.conf."""
        names, own = re.compile(r"\S*(munged|slurmctld|slurmdbd|slurmd|mariadbd)\b"), f"SLURM_CONF={self.conf}".encode()
        return [
            pid
            for pid in _processes()
            if names.match(words := _command_line(pid)) and (f"{self.folder}/" in words or own in _environment_of(pid))
        ]

    def _orphans(self) -> list[int]:
        return [pid for node in NODES for pid in self._processes_of(node)]

    def _processes_of(self, node: str) -> list[int]:
        """The jobs' processes on `node`, and the slurmstepd over each of them."""
        marks = {f"SLURMD_NODENAME={node}".encode(), f"SLURM_CONF={self.conf}".encode()}
        jobs = [pid for pid in _processes() if marks <= _environment_of(pid)]
        steps = {parent for pid in jobs for parent in [_parent(pid)] if "slurmstepd" in _command_line(parent)}
        return [*steps, *jobs]


def _check_new_user(name: str) -> None:
    """Raise ClusterError where a user can't be made: `down` will remove him."""
    if not name:
        return
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name):
        raise ClusterError(f"--user {name}: expected a name such as student, of small letters, digits and dashes")
    with contextlib.suppress(KeyError):
        pwd.getpwnam(name)
        raise ClusterError(f"--user {name}: is a user of this machine already; expected a new name")


def _carry_out(*words: str) -> None:
    """Carry out a command of the system; raise ClusterError with its own words."""
    environment = {**os.environ, "PATH": _path()}
    try:
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise ClusterError(f"missing {words[0]}") from None
    if done.returncode:
        raise ClusterError(f"{words[0]}: {' '.join(done.stderr.split())}")


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit() and int(path.name) != os.getpid()]


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _environment_of(pid: int) -> set[bytes]:
    try:
        return set(Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"))
    except OSError:
        return set()


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError):
        return 0


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _kill(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"  # where Debian keeps daemons


def _free_ports() -> tuple[int, int, int, int]:
    """A port for the controller, the first of a row for the nodes, one for slurmdbd and one for its database."""
    with contextlib.ExitStack() as stack:

        def free(port: int) -> bool:
            candidate = stack.enter_context(socket.socket())
            try:
                candidate.bind(("", port))
            except OSError:
                return False
            return True

        for first in _candidates():
            if all(free(first + offset) for offset in range(3 + len(NODES))):
                return first, first + 1, first + 1 + len(NODES), first + 2 + len(NODES)
    raise ClusterError("found no row of free ports")


def _candidates() -> Iterator[int]:
    yield from (17000 + 10 * secrets.randbelow(1000) for _ in range(100))


def main() -> None:
    """Carry out one command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = ("up", "down", "lose", "back", "controller-down", "controller-up")
    parser.add_argument("command", choices=commands)
    parser.add_argument("node", nargs="?", choices=NODES, help="for lose and back")
    default = Path(f"/tmp/alexnet-study-cluster-{os.getuid()}")
    parser.add_argument("--dir", type=Path, default=default, help=f"where it lives ({default})")
    parser.add_argument("--max-array-size", type=int, default=1001, help="SLURM's MaxArraySize (1001)")
    parser.add_argument("--limit-memory", action="store_true", help="with up: jobs that use too much are killed")
    parser.add_argument("--user", default="", help="with up: a further user of this machine, whom down removes")
    parser.add_argument("--accounting", action="store_true", help="with up: slurmdbd and MariaDB, where installed")
    parser.add_argument("--most-jobs", type=int, default=0, help="with up: of a user in the queue, by a QOS (no limit)")
    parser.add_argument("--preemption", action="store_true", help="with up: a partition, urgent, that preempts main")
    parser.add_argument("--power-off", action="store_true", help="with lose: the node's processes die too")
    arguments = parser.parse_args()
    if (arguments.command in ("lose", "back")) != (arguments.node is not None):
        parser.error("lose and back, and only they, take a node")
    cluster = Cluster(arguments.dir)
    try:
        {
            "up": lambda: cluster.up(
                max_array_size=arguments.max_array_size,
                limit_memory=arguments.limit_memory,
                user=arguments.user,
                accounting=arguments.accounting,
                most_jobs=arguments.most_jobs,
                preemption=arguments.preemption,
            ),
            "down": cluster.down,
            "lose": lambda: cluster.lose_node(arguments.node, power_off=arguments.power_off),
            "back": lambda: cluster.return_node(arguments.node),
            "controller-down": cluster.stop_controller,
            "controller-up": cluster.start_controller,
        }[arguments.command]()
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    if arguments.command == "up":
        print(f"export SLURM_CONF={cluster.conf} PROFILE=testcluster")


if __name__ == "__main__":
    main()
