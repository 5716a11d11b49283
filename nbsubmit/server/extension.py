"""Loading into a Jupyter server: the routes, and the events that they lead to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_server.extension.application import ExtensionApp

from nbsubmit.server.handlers import routes
from nbsubmit.server.live import SCHEMA, SCHEMA_ID
from nbsubmit.server.service import Service


class JobsExtension(ExtensionApp):
    """What nbsubmit adds to a Jupyter server."""

    name = "nbsubmit"
    description = "The jobs of all notebooks, for a server's front ends."
    service: Service

    def initialize_handlers(self) -> None:
        """Give the server the routes, and the schema of the events."""
        server: Any = self.serverapp
        server.event_logger.register_event_schema(SCHEMA)

        def emit(message: dict[str, Any]) -> None:
            server.event_logger.emit(schema_id=SCHEMA_ID, data=message)

        async def notebooks() -> list[str]:
            return await _notebooks(server)

        self.service = Service(_root(server), notebooks, emit)
        self.handlers.extend(routes(self.service))

    async def stop_extension(self) -> None:
        """End what goes on."""
        await self.service.close()


def _root(server: Any) -> Path | None:
    """Return the folder of the server's files; None if they lie in none."""
    folder = getattr(server.contents_manager, "root_dir", "")
    return Path(folder).expanduser().absolute() if folder else None


async def _notebooks(server: Any) -> list[str]:
    """Return the notebooks that have a kernel, by the server's names."""
    sessions = await server.session_manager.list_sessions()
    paths = (each.get("path") for each in sessions if each.get("type") == "notebook")
    return sorted({path for path in paths if isinstance(path, str)})
