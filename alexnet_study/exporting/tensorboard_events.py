"""TensorBoard's event files: a folder for each run, its learning curves, its final figures, its configuration."""

from pathlib import Path

from alexnet_study.api import Run, Runs
from alexnet_study.exporting.figures import configuration, final_figures, learning_curves, started


def export(runs: Runs, target: str) -> str:
    """Write event files below the folder `target`, for `tensorboard --logdir`; return what was written.

    A run's earlier event files there are replaced.
    """
    for run in runs:
        _write(run, Path(target) / run.variant / f"seed-{run.seed}")
    return f"{len(runs)} runs in {target}; see them by: tensorboard --logdir {target}"


def _write(run: Run, folder: Path) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.text.summary_v2 import text_pb
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    for earlier in folder.glob("events.out.tfevents.*"):
        earlier.unlink()
    writer = EventFileWriter(str(folder))
    lines = "\n".join(f"| {name} | {value} |" for name, value in configuration(run).items())
    table = text_pb("configuration", f"| field | value |\n| --- | --- |\n{lines}")
    writer.add_event(Event(wall_time=started(run), step=0, summary=table))
    step, now = 0, 0.0
    for step, now, figures in learning_curves(run):
        values = [Summary.Value(tag=tag.replace(".", "/", 1), simple_value=value) for tag, value in figures.items()]
        writer.add_event(Event(wall_time=now, step=step, summary=Summary(value=values)))
    final = [Summary.Value(tag=f"final/{tag}", simple_value=value) for tag, value in final_figures(run).items()]
    writer.add_event(Event(wall_time=now, step=step, summary=Summary(value=final)))
    writer.close()
