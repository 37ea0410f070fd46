"""Carry out one run in a Docker container from inside a SLURM job, so that the container ends with the job.

`docker run` is only a client of a daemon: its container is no child of the job, knows neither the job's limits nor its
signals, and outlives a killed client. So this process, which stays on the host,

- hands on what the job was granted: its GPUs and its memory;
- removes a container of the same name first: the name is the job's, so an earlier attempt may have left it;
- hands on what it is sent, again and again until the container exists;
- holds the container's standard input: the run ends when that closes, as it does when this process is killed;
- removes the container in any case, and leaves with the run's exit code.

`command` is what a job starts. By hand:
python -m alexnet_study.cluster.containers.docker_process --image alexnet-study --name NAME --mount /results:/results --
--study FILE --variant skip --seed 0 --results /results
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import FrameType

from alexnet_study.cluster.containers.runtime import NO_GPU
from alexnet_study.errors import RequestError, RunError
from alexnet_study.files import UMASK
from alexnet_study.runs.interruption import END_WITH_INPUT, SIGNALS, UNFINISHED

HANDED_ON = re.compile(r"SLURM\w*|SUBMITIT\w*|(OMP|MKL|OPENBLAS)_NUM_THREADS|PYTHONUNBUFFERED|ALEXNET_STUDY_JOB_START")
DRIVER = (Path("/dev/nvidiactl"), Path("/dev/dxg"))  # NVIDIA's, and its like under Windows
UUID = re.compile(r"(GPU|MIG)-\S+")
UNHEARD = tuple(128 + number for number in SIGNALS)  # a signal came before the run could listen
FAILED, KILLED = 1, 128 + signal.SIGKILL
POLL_SECONDS = 0.1
ANSWER_SECONDS = 60.0
LATE_SECONDS = 1.0  # the daemon may hear of the reason after the end


def command(
    words: Sequence[str],
    *,
    image: str,
    name: str,
    workdir: str = "/workspace",
    mounts: Iterable[str] = (),
    arguments: Iterable[str] = (),
    gpus: bool = True,
) -> list[str]:
    """Return the command, for a job on the host, that runs `words` (the arguments of `train`) in `image`.

    name: unique among the runs of all jobs on a node, and the same again when the job is requeued. mounts: `A:B` each.
    arguments: more of docker run's. gpus: whether to hand on the GPUs that the job was granted.
    """
    options = [f"--image={image}", f"--name={container_name(name)}", f"--workdir={workdir}"]
    options += [f"--mount={mount}" for mount in mounts] + [f"--argument={argument}" for argument in arguments]
    options += [] if gpus else ["--no-gpus"]
    return [sys.executable, "-m", "alexnet_study.cluster.containers.docker_process", *options, "--", *words]


def container_name(text: str) -> str:
    """Return `text` as a name that Docker accepts."""
    return "alexnet-study-" + re.sub(r"[^a-zA-Z0-9_.-]", "-", text)


def granted_gpus() -> list[str]:
    """Return the GPUs of this job by their numbers or UUIDs outside it, which the daemon goes by.

    A UUID is the same everywhere, while SLURM's numbers need not be the daemon's, least of all those of slices (MIG).
    None where the node has no driver: a run that was told to use a GPU says so and ends.
    """
    if not any(path.exists() for path in DRIVER):
        return []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    if all(UUID.fullmatch(gpu) for gpu in visible):
        return visible
    for name in ("SLURM_STEP_GPUS", "SLURM_JOB_GPUS", "CUDA_VISIBLE_DEVICES"):
        if os.environ.get(name):
            return os.environ[name].split(",")
    return []


def run_command(options: argparse.Namespace, image_id: str) -> list[str]:
    """Return the `docker run` of a container: as this job's user, with its means, read-only, without a network."""
    words = [
        "docker",
        "run",
        "--rm",
        "--init",
        "--interactive",
        f"--name={options.name}",
        f"--workdir={options.workdir}",
    ]
    words += [f"--user={os.getuid()}:{os.getgid()}", *(f"--group-add={group}" for group in os.getgroups())]
    words += ["--read-only", "--tmpfs=/tmp", "--network=none", "--log-driver=none"]
    memory = os.environ.get("SLURM_MEM_PER_NODE", "0")  # MB; 0: all of the node's
    words += [] if memory == "0" else [f"--memory={memory}m"]
    words += [f"--volume={mount}" for mount in options.mount]
    words += [f"--env={name}" for name in sorted(os.environ) if HANDED_ON.fullmatch(name)]
    words += [f"--env={END_WITH_INPUT}=1", f"--env=ALEXNET_STUDY_IMAGE={image_id}", f"--env={UMASK}={_umask():04o}"]
    gpus = granted_gpus() if options.gpus else []
    if gpus:  # inside, numbers begin at 0 again
        inside = [str(index) for index in range(len(gpus))] if all(gpu.isdigit() for gpu in gpus) else gpus
        words += [f'--gpus="device={",".join(gpus)}"', f"--env=CUDA_VISIBLE_DEVICES={','.join(inside)}"]
    else:  # the image asks for all, which NVIDIA's runtime would hand it
        words += [f"--env={name}={value}" for name, value in NO_GPU.items()]
    return [*words, *options.argument, options.image, *options.words]


class Container:
    """A container from before its start until it is removed."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.name, self.options = options.name, options
        self._pending: list[int] = []  # signals received and not yet handed on
        self._warned = False

    def carry_out(self) -> int:
        """Start it, wait for it, remove it; returns its exit code, UNFINISHED where a signal ended it early."""
        for number in SIGNALS:
            signal.signal(number, self._receive)
        words = run_command(self.options, _image_id(self.options.image))
        self._remove()
        try:
            code = UNFINISHED if self._warned else self._run(words)
        finally:
            self._remove()
        return UNFINISHED if self._warned and code in UNHEARD else code

    def _run(self, words: Sequence[str]) -> int:
        start = time.time()
        # a session of its own, so that what is sent to this one's process group reaches the container through us alone
        code = self._end_of(subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True))
        if code < 0:  # the client was killed; with it the input closed, and the run is about to end
            waiting = subprocess.Popen(["docker", "wait", self.name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            self._end_of(waiting)
            answer = waiting.communicate()[0].strip()
            code = int(answer) if answer.isdigit() else FAILED
        if code == KILLED:
            print(f"error: the container was killed{self._reason(since=start)}", file=sys.stderr)
        return code

    def _reason(self, *, since: float) -> str:
        """Return why the container was killed, as far as the daemon knows."""
        words = [f"--since={since}", f"--until={time.time() + LATE_SECONDS}", f"--filter=container={self.name}"]
        return ": out of memory" if _docker("events", *words, "--filter=event=oom").stdout else ""

    def _end_of(self, client: "subprocess.Popen[bytes]") -> int:
        while client.poll() is None:
            time.sleep(POLL_SECONDS)
            self._hand_on()
        return client.returncode

    def _hand_on(self) -> None:
        while self._pending:
            name = signal.Signals(self._pending[0]).name
            if _docker("kill", f"--signal={name}", self.name).returncode:
                return  # not started yet, or over
            del self._pending[0]

    def _remove(self) -> None:
        _docker("rm", "--force", self.name)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self._pending.append(number)
        self._warned = True


def main() -> int:
    """Carry out the run that the command line names."""
    parser = argparse.ArgumentParser(
        prog="python -m alexnet_study.cluster.containers.docker_process", description=__doc__
    )
    parser.add_argument("--image", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--workdir", default="/workspace")
    parser.add_argument("--mount", action="append", default=[])
    parser.add_argument("--argument", action="append", default=[])
    parser.add_argument("--no-gpus", dest="gpus", action="store_false")
    parser.add_argument("words", nargs="+")
    try:
        return Container(parser.parse_args()).carry_out()
    except (RequestError, RunError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, RequestError) else 1


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _image_id(image: str) -> str:
    done = _docker("image", "inspect", "--format={{.Id}}", image)
    if done.returncode:
        reason = " ".join(done.stderr.split())
        raise RequestError(f"{reason}; expected the image on this node: make image, or docker load")
    return done.stdout.strip()


def _docker(*words: str) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(["docker", *words], capture_output=True, text=True, timeout=ANSWER_SECONDS, check=False)
    except FileNotFoundError:
        raise RequestError("docker: not on this node's PATH") from None
    except subprocess.TimeoutExpired:
        raise RunError(f"docker: the daemon did not answer within {ANSWER_SECONDS:.0f} s") from None


if __name__ == "__main__":
    sys.exit(main())
