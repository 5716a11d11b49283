"""What went with a job, as its folder has it: who looks at it need load nothing of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbsubmit.core.contents import EMPTY, Contents, Entry
from nbsubmit.core.errors import OtherFormat
from nbsubmit.core.folder import JobFolder, check_format


@dataclass(frozen=True)
class Sent:
    """What went with a cell.

    Attributes
    ----------
    contents : Contents
        The values.
    modules : mapping
        Name → module.
    left_out : mapping
        Name → why it stayed behind.
    missing : tuple of str
        Names that the cell reads and that were not there.
    warnings : tuple of str
        What was said when it was sent.
    by_value : tuple of mapping
        Name, number of files and size of each module whose source went along.
    sources : mapping
        Code file → text, of the cell and of the functions that went with it.
    """

    contents: Contents = EMPTY
    modules: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    by_value: tuple[Mapping[str, Any], ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: JobFolder) -> Sent:
        """Read what a whole job's folder says; what another nbsubmit has written is a warning."""
        payload = folder.read_json(folder.payload_file)
        if payload is None:
            return cls()
        try:
            check_format(payload, "what was sent")
        except OtherFormat as error:
            return cls(warnings=(str(error),))
        cell = payload["cell"]
        texts = {cell["file_name"]: cell["text"]} if cell else {}
        return cls(
            contents=Contents.from_json(payload["contents"]),
            modules=payload["modules"],
            left_out=payload["left_out"],
            missing=tuple(payload["missing"]),
            warnings=tuple(payload["warnings"]),
            by_value=tuple(payload["by_value"]),
            sources={**payload["sources"], **texts},
        )

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The values, one by one."""
        return self.contents.entries
