"""Sees that a file, or a directory of them, was changed: by place on the disk, size and times, once it has come to rest."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

Sight = tuple[tuple[str, int, int, int, int], ...]


class Watched:
    """`changed` is asked once a turn. What is still being written looks another way each time: that is waited out."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self.paths = tuple(paths)
        self._known = self._last = self._look()

    def changed(self) -> bool:
        """Whether it is another than before and was the same at the last two looks; said once for each change.

        A file that is not there is no change: whoever replaces one may take it away first.
        """
        seen, before = self._look(), self._last
        self._last = seen
        if not seen or seen == self._known or seen != before:
            return False
        self._known = seen
        return True

    def _look(self) -> Sight:
        """Nothing where one is missing. What a link leads to counts: a mounted map is exchanged by its link."""
        found = []
        try:
            for path in self.paths:
                for one in sorted(path.iterdir()) if path.is_dir() else (path,):
                    stat = one.stat()
                    found.append((str(one), stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns))
        except OSError:
            return ()
        return tuple(found)
