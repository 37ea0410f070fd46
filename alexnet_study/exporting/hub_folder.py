"""Folders as the Hugging Face hub takes them: weights, configuration, figures and a model card. Nothing is sent."""

import json
from pathlib import Path

from jinja2 import Template

from alexnet_study.api import Run, Runs
from alexnet_study.errors import RequestError
from alexnet_study.exporting.figures import configuration
from alexnet_study.files import write_atomically
from alexnet_study.runs.folder import RunFolder

DATASETS = {"cifar10": "uoft-cs/cifar10", "cifar100": "uoft-cs/cifar100"}  # the hub's names


def export(runs: Runs, target: str) -> str:
    """Write a folder for each run below `target`; return what was written, and how it is uploaded.

    Raise RequestError, before anything is written, where a run has no weights.
    """
    without = [run.name for run in runs if not RunFolder(run.folder).model.exists()]
    if without:
        raise RequestError(
            f"--to hub: no model.safetensors in {', '.join(without)}; expected runs that keep their model"
        )
    for run in runs:
        folder, own = Path(target) / f"{run.study}-{run.variant}-seed-{run.seed}", RunFolder(run.folder)
        for path in (own.model, own.config, own.summary):
            write_atomically(folder / path.name, path.read_bytes())
        write_atomically(folder / "README.md", model_card(run).encode())
    return f"{len(runs)} folders in {target}; upload one by: hf upload REPOSITORY {target}/FOLDER"


def model_card(run: Run) -> str:
    """Return the run's model card: the hub's metadata, then what the model is, how good it is, how it is used."""
    return f"---\n{_metadata(run)}\n---\n\n{_text(run)}"


def _metadata(run: Run) -> str:
    """Return the card's YAML; JSON is YAML, and quotes whatever a name holds."""
    source, own = run.provenance.source, run.summary.evaluations["intact"]
    data = {"type": DATASETS.get(source.kind, source.kind), "name": source.name, "split": "test"}
    result = {
        "task": {"type": "image-classification"},
        "dataset": data,
        "metrics": [{"type": "accuracy", "value": own.top1, "name": "top-1"}],
    }
    card = {
        "license": "mit",
        "library_name": "alexnet-study",
        "pipeline_tag": "image-classification",
        "tags": ["alexnet", "safetensors", f"variant:{run.variant}"],
        **({"datasets": [DATASETS[source.kind]]} if source.kind in DATASETS else {}),
        "metrics": ["accuracy"],
        "model-index": [{"name": f"{run.study}-{run.variant}-seed-{run.seed}", "results": [result]}],
    }
    return "\n".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in card.items())


def _text(run: Run) -> str:
    images = sum(sum(row) for row in run.summary.evaluations["intact"].confusion)
    template = Template((Path(__file__).parent / "model_card.md.j2").read_text(), keep_trailing_newline=True)
    return template.render(run=run, images=images, fields=configuration(run))
