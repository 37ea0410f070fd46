"""What a folder's files are, against how they were made."""

from pathlib import Path

from PIL import Image

from alexnet_study.data.survey import survey


def test_sizes_modes_and_equal_files_are_counted(tmp_path: Path) -> None:
    made = {"a.png": ("RGB", (8, 6)), "b.png": ("L", (8, 6)), "c.png": ("RGB", (8, 6)), "d.jpg": ("RGB", (8, 6))}
    for name, (mode, size) in made.items():
        Image.new(mode, size, 0).save(tmp_path / name)
    paths = [str(tmp_path / name) for name in made]
    found = survey(paths)
    assert found.kinds == {"8×6 RGB": 3, "8×6 L": 1}
    assert found.duplicates == ((paths[0], paths[2]),)
