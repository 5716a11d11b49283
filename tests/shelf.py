"""A store and a folder with one bundle in it, for tests of what is written and read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nbsubmit.core.blobs import BlobStore
from nbsubmit.core.bundle import Bundle, Originals
from nbsubmit.core.contents import Contents
from nbsubmit.core.folder import RESULT_PACK, JobFolder
from nbsubmit.core.layout import Placed
from nbsubmit.core.mapped import Mappings
from nbsubmit.core.writer import BundleWriter


class Shelf:
    """A place for one bundle.

    Parameters
    ----------
    path : Path
        Where to make it.
    """

    def __init__(self, path: Path) -> None:
        jobs = path / "jobs"
        jobs.mkdir(exist_ok=True)
        self.folder = JobFolder(jobs / f"job{len(list(jobs.iterdir()))}")
        self.folder.create()
        self.store = BlobStore(self.folder.store_blobs)
        self.stream, self.pack = self.folder.result_stream, self.folder.result_pack

    def place(self, writer: BundleWriter, mappings: Mappings | None = None) -> Placed:
        return writer.place(self.store, RESULT_PACK, mappings)

    def put(self, writer: BundleWriter, mappings: Mappings | None = None) -> Contents:
        """Write a bundle; its list of contents goes the way of all of them, as JSON."""
        placed = self.place(writer, mappings)
        placed.write_blobs(self.folder.blobs)
        with self.stream.open("wb") as stream, self.pack.open("wb") as pack:
            placed.write_stream(stream)
            placed.write_pack(pack)
        return Contents.from_json(json.loads(json.dumps(placed.contents.to_json())))

    def bundle(self, contents: Contents) -> Bundle:
        return Bundle(self.stream, contents, self.folder.locate)

    def get(
        self,
        contents: Contents,
        *,
        home: dict[str, Any] | None = None,
        mappings: Mappings | None = None,
        originals: Originals | None = None,
    ) -> dict[str, Any]:
        """Load a bundle into a namespace of its own."""
        values: dict[str, Any] = {}
        home = {"__name__": "__main__"} if home is None else home
        bundle = self.bundle(contents)
        bundle.load(home, values.__setitem__, mappings=mappings, originals=originals)
        return values

    def round(self, **values: Any) -> dict[str, Any]:
        """There and back, all the way, with the memory that values share found out."""
        return self.get(self.put(writer_of(values)))

    @property
    def written(self) -> int:
        """How many bytes of buffers were written in all."""
        files = [self.pack, *self.store.path.iterdir()] if self.store.path.exists() else [self.pack]
        return sum(file.stat().st_size for file in files)


def writer_of(values: dict[str, Any]) -> BundleWriter:
    """Pickle values, once more where that is needed to keep them together."""
    home = {"__name__": "__main__"}
    writer = BundleWriter(home)
    for _ in range(3):
        for name, value in values.items():
            writer.add(name, value)
        overlaps = writer.overlaps()
        if overlaps is None:
            break
        writer = BundleWriter(home, shared=overlaps)
    return writer
