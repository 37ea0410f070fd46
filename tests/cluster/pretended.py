"""SLURM's clients, pretended by a program: what sbatch takes waits in the queue, and all calls are kept."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = r"""#!{python}
import json, pathlib, re, sys
home = pathlib.Path({home!r})
state = json.loads((home / "state.json").read_text())
client, words = pathlib.Path(sys.argv[0]).name, sys.argv[1:]
state["calls"].append([client, *words])
said, code = "", 0
if client == "sbatch":
    text = pathlib.Path(words[0]).read_text()
    option = lambda name: (re.findall(rf"^#SBATCH --{{name}}=(.*)$", text, re.MULTILINE) or [""])[0].strip("'\"")
    if option("job-name") in state["refused"]:
        print("sbatch: error: QOSMaxSubmitJobPerUserLimit", file=sys.stderr)
        code = 1
    else:
        state["last"] += 1
        array = re.match(r"0-(\d+)", option("array"))
        names = [f"_{{i}}" for i in range(int(array[1]) + 1)] if array else [""]
        for name in names:
            state["jobs"][f"{{state['last']}}{{name}}"] = [option("job-name"), option("comment")]
        said = f"Submitted batch job {{state['last']}}\n"
elif client == "squeue":
    why = lambda job: "JobHeldUser" if job in state["held"] else "Priority"
    said = "".join(f"{{i}}|PENDING|({{why(i)}})|{{why(i)}}|0:00||{{n}}|{{c}}\n" for i, (n, c) in state["jobs"].items())
elif client == "scontrol" and words[0] == "release":
    state["held"].remove(words[1])
elif client == "scancel":
    for word in words[1:]:
        main, _, tasks = word.partition("_[")
        ends = [piece.partition("-")[::2] for piece in tasks.strip("]").split(",") if piece]
        if state["jobs"].get(word, state["jobs"].get(f"{{word}}_0", [""]))[0] in state["refused"]:
            print(f"scancel: error: Kill job error on job id {{word}}: Access/permission denied", file=sys.stderr)
            code = 1
            continue
        gone = [f"{{main}}_{{i}}" for first, last in ends for i in range(int(first), int(last or first) + 1)] or [word]
        state["jobs"] = {{i: j for i, j in state["jobs"].items() if i not in gone and i.partition("_")[0] not in gone}}
elif client == "scontrol":
    said = "MaxArraySize = 1001\n"
(home / "state.json").write_text(json.dumps(state))
sys.stdout.write(said)
sys.exit(code)
"""


class PretendedSlurm:
    """The clients in a folder of their own, first on the PATH; an array whose name is among `refuse`d is refused."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        home.mkdir()
        self.state = home / "state.json"
        self._write(last=10, jobs={}, calls=[], refused=[], held=[])
        for client in ("sbatch", "squeue", "scancel", "scontrol", "srun"):
            (home / client).write_text(PROGRAM.format(python=sys.executable, home=str(home)))
            (home / client).chmod(0o755)
        monkeypatch.setenv("PATH", str(home), prepend=os.pathsep)

    def refuse(self, *names: str) -> None:
        """Refuse the arrays of these names from now on."""
        self._write(**{**self._read(), "refused": list(names)})

    def hold(self, *jobs: str) -> None:
        """Hold jobs that wait, until they are released."""
        self._write(**{**self._read(), "held": list(jobs)})

    @property
    def held(self) -> list[str]:
        """The jobs that are held still."""
        jobs: list[str] = self._read()["held"]
        return jobs

    def end(self, *jobs: str) -> None:
        """Forget jobs, as SLURM does some minutes after their end."""
        state = self._read()
        self._write(**{**state, "jobs": {job: value for job, value in state["jobs"].items() if job not in jobs}})

    @property
    def jobs(self) -> dict[str, str]:
        """The name of each job in the queue, by id."""
        return {job: name for job, (name, _) in self._read()["jobs"].items()}

    @property
    def calls(self) -> list[list[str]]:
        """Every call so far: the client, then its words."""
        calls: list[list[str]] = self._read()["calls"]
        return calls

    def _read(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(self.state.read_text())
        return state

    def _write(self, **state: object) -> None:
        self.state.write_text(json.dumps(state))
