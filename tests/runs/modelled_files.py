"""A small model of one run folder on a file system that several processes share: local, or like NFS.

One operation of one process has one outcome on a local file system. Like NFS, it may have several:

- Delayed names: a client may answer from the run folder's entries as it fetched them last, or fetch them anew. What it
  changes in the folder by itself makes it fetch them (the server's reply tells it that they changed).
- Handles: a name that it remembers leads to the folder that bore it, under whatever name that is now; of a folder that
  was deleted, or a file, the handle is stale.
- Close-to-open: what is written reaches the server with `put` (fsync or close), and is what a later open reads.
- A lost reply: a rename is done, but its client is told that the source is absent.

Heartbeats are read fresh: one read late is like one read earlier, and heartbeats decide only who waits for whom.
"""

import errno
from collections.abc import Callable, Iterator
from typing import NamedTuple

ROOT = "run"  # the run folder
HIDDEN = (".attempt-", ".removed-")  # what no reader looks at
PUBLISHED = ("checkpoint.pt", "summary.json")

Operation = tuple[str, ...]
Reply = tuple[str, object]  # ("ok", value) or ("error", errno)


class Entry(NamedTuple):
    """A name in a folder; `content` is None for a folder. `node` is what an open handle or a stale name leads to."""

    folder: str
    name: str
    node: str
    content: str | None


Files = frozenset[Entry]
View = frozenset[tuple[str, str]] | None  # the run folder's names and nodes as a client fetched them; None: it will


class Outcome(NamedTuple):
    """What an operation may leave and reply; `publishes`: it changed what a reader of the run folder finds."""

    files: Files
    view: View
    reply: Reply
    publishes: bool = False
    lost: bool = False


def entry_of(files: Files, folder: str, name: str) -> Entry | None:
    """Return the entry of that name in a folder, None where there is none."""
    return next((entry for entry in files if entry.folder == folder and entry.name == name), None)


def is_linked(files: Files, node: str) -> bool:
    """Return whether a node still has a name: the run folder always has."""
    return node == ROOT or any(entry.node == node for entry in files)


def below(files: Files, entry: Entry) -> set[str]:
    """Return a folder and all folders in it, as nodes; a file has none."""
    if entry.content is not None:
        return set()
    inner = [each for each in files if each.folder == entry.node]
    return {entry.node}.union(*(below(files, each) for each in inner))


class FileSystem:
    """The operations: `outcomes` returns all that one may do."""

    def __init__(self, *, nfs: bool) -> None:
        self.nfs = nfs

    def outcomes(self, files: Files, view: View, operation: Operation) -> list[Outcome]:
        """Return every outcome of an operation by a client that remembers `view`."""
        kind, *arguments = operation
        act: Callable[..., Iterator[Outcome]] = getattr(self, f"_{kind}")
        return list(dict.fromkeys(act(files, view, *arguments)))

    def _entries(self, files: Files, view: View) -> list[tuple[dict[str, str], View]]:
        """The run folder's names as a client may see them, each with what it remembers from then on."""
        fresh = frozenset((entry.name, entry.node) for entry in files if entry.folder == ROOT)
        if not self.nfs:
            return [(dict(fresh), None)]
        return [(dict(known), known) for known in dict.fromkeys((view or fresh, fresh))]

    def _folder(self, files: Files, view: View, path: str) -> Iterator[tuple[str | None, str, View, int]]:
        """The folder that a path's name is in: its node, the name, the view; None and an errno where there is none."""
        first, *inner, name = path.split("/") if "/" in path else ("", path)
        if not first:
            yield ROOT, name, view, 0
            return
        for entries, seen in self._entries(files, view):
            node = entries.get(first)
            if node is None:
                yield None, name, seen, errno.ENOENT
            elif not is_linked(files, node):
                yield None, name, None, errno.ESTALE  # the client forgets what proved stale
            elif inner:
                found = entry_of(files, node, inner[0])
                yield (found.node, name, seen, 0) if found else (None, name, seen, errno.ENOENT)
            else:
                yield node, name, seen, 0

    def _names(self, files: Files, view: View, prefix: str) -> Iterator[Outcome]:
        for entries, seen in self._entries(files, view):
            yield Outcome(files, seen, ("ok", tuple(sorted(name for name in entries if name.startswith(prefix)))))

    def _node(self, files: Files, view: View, path: str) -> Iterator[Outcome]:
        """What os.stat tells of a path."""
        for folder, name, seen, error in self._folder(files, view, path):
            if folder == ROOT:
                for entries, known in self._entries(files, seen):
                    node = entries.get(name)
                    yield Outcome(files, known, ("ok", node) if node else ("error", errno.ENOENT))
            else:
                found = entry_of(files, folder, name) if folder else None
                yield Outcome(files, seen, ("ok", found.node) if found else ("error", error or errno.ENOENT))

    def _mkdir(self, files: Files, view: View, path: str) -> Iterator[Outcome]:
        if entry_of(files, ROOT, path):
            yield Outcome(files, None, ("error", errno.EEXIST))
        else:
            yield Outcome(files | {Entry(ROOT, path, path, None)}, None, ("ok", None))

    def _open(self, files: Files, view: View, path: str) -> Iterator[Outcome]:
        """Open for writing: make the file, or empty it."""
        for folder, name, seen, error in self._folder(files, view, path):
            if folder is None:
                yield Outcome(files, seen, ("error", error))
                continue
            old = entry_of(files, folder, name)
            new = Entry(folder, name, old.node if old else f"{folder}/{name}", "")
            after = files - {old} | {new} if old else files | {new}
            yield Outcome(after, None if folder == ROOT else seen, ("ok", new.node), folder == ROOT)

    def _put(self, files: Files, view: View, node: str, content: str) -> Iterator[Outcome]:
        """Write what was opened, and close it."""
        old = next((entry for entry in files if entry.node == node), None)
        if old is None:
            yield Outcome(files, view, ("error", errno.ESTALE) if self.nfs else ("ok", None))
        else:
            yield Outcome(files - {old} | {old._replace(content=content)}, view, ("ok", None), old.folder == ROOT)

    def _read(self, files: Files, view: View, path: str) -> Iterator[Outcome]:
        for folder, name, seen, error in self._folder(files, view, path):
            found = entry_of(files, folder, name) if folder else None
            absent: Reply = ("error", error or errno.ENOENT)
            yield Outcome(files, seen, ("ok", found.content) if found else absent)

    def _unlink(self, files: Files, view: View, path: str) -> Iterator[Outcome]:
        for folder, name, seen, error in self._folder(files, view, path):
            if folder is None:
                yield Outcome(files, seen, ("error", error))
            else:
                yield from self._unlink_at(files, None if folder == ROOT else seen, folder, name)

    def _unlink_at(self, files: Files, view: View, folder: str, name: str) -> Iterator[Outcome]:
        found = entry_of(files, folder, name)
        stale = self.nfs and not is_linked(files, folder)
        if found:
            yield Outcome(files - {found}, view, ("ok", None), folder == ROOT)
        else:
            yield Outcome(files, view, ("error", errno.ESTALE if stale else errno.ENOENT))

    def _open_folder(self, files: Files, view: View, path: str) -> Iterator[Outcome]:
        for outcome in self._node(files, view, path):
            kind, node = outcome.reply
            stale = kind == "ok" and not is_linked(files, str(node))
            yield Outcome(files, None, ("error", errno.ESTALE)) if stale else outcome

    def _open_folder_at(self, files: Files, view: View, folder: str, name: str) -> Iterator[Outcome]:
        found = entry_of(files, folder, name)
        yield Outcome(files, view, ("ok", found.node) if found else ("error", errno.ENOENT))

    def _names_at(self, files: Files, view: View, folder: str) -> Iterator[Outcome]:
        if self.nfs and not is_linked(files, folder):
            yield Outcome(files, view, ("error", errno.ESTALE))
        else:
            names = sorted((entry.name, entry.content is None) for entry in files if entry.folder == folder)
            yield Outcome(files, view, ("ok", tuple(names)))

    def _rmdir(self, files: Files, view: View, path: str) -> Iterator[Outcome]:
        for folder, name, seen, error in self._folder(files, view, path):
            if folder is None:
                yield Outcome(files, seen, ("error", error))
            else:
                yield from self._rmdir_at(files, None if folder == ROOT else seen, folder, name)

    def _rmdir_at(self, files: Files, view: View, folder: str, name: str) -> Iterator[Outcome]:
        found = entry_of(files, folder, name)
        if found is None:
            yield Outcome(files, view, ("error", errno.ENOENT))
        elif any(entry.folder == found.node for entry in files):
            yield Outcome(files, view, ("error", errno.ENOTEMPTY))
        else:
            yield Outcome(files - {found}, view, ("ok", None))

    def _rename(self, files: Files, view: View, source: str, target: str) -> Iterator[Outcome]:
        """Rename; one of the two is in the run folder. A client forgets what proved wrong."""
        for from_folder, from_name, seen, error in self._folder(files, view, source):
            for to_folder, to_name, after, to_error in self._folder(files, seen, target):
                old = entry_of(files, from_folder, from_name) if from_folder else None
                if from_folder is None or to_folder is None or old is None:
                    forgets = None if old is None else after
                    yield Outcome(files, forgets, ("error", error or to_error or errno.ENOENT))
                    continue
                if to_folder in below(files, old):
                    yield Outcome(files, after, ("error", errno.EINVAL))
                    continue
                over = entry_of(files, to_folder, to_name)
                moved = files - {old} | {old._replace(folder=to_folder, name=to_name)}
                done = moved - {over} if over else moved
                publishes = not (from_name.startswith(HIDDEN) and to_name.startswith(HIDDEN))
                yield Outcome(done, None, ("ok", None), publishes)
                if self.nfs:
                    yield Outcome(done, None, ("error", errno.ENOENT), publishes, lost=True)
