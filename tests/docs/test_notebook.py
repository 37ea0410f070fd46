"""The example notebook does what it says: its cells run one after another in an empty folder, as Jupyter runs them."""

import json
import os
import subprocess
import sys
from pathlib import Path

NOTEBOOK = Path("docs/runs_in_python.ipynb")


def test_the_notebooks_cells_run_in_an_empty_folder(tmp_path: Path) -> None:
    notebook = json.loads(NOTEBOOK.read_text())
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code), "committed without outputs"
    program = "\n\n".join("".join(cell["source"]) for cell in code)
    environ = os.environ | {"OMP_NUM_THREADS": "1", "MPLBACKEND": "agg", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environ["PYTHONPATH"] = str(Path.cwd())
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "skip seed 0: epoch 1 of 1" in done.stdout
    assert "lesioned: top-1" in done.stdout
    assert done.stdout.splitlines()[-1] == "results/demo/report/index.html"
