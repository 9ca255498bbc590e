"""Defers modules that libraries import, but that no command uses: such a module is loaded at its first use."""

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

#: `import redis` imports its client for asyncio, and SQLAlchemy's dialect those of other drivers.
DEFERRED = frozenset(
    {
        "redis.asyncio",
        "sqlalchemy.dialects.postgresql.asyncpg",
        "sqlalchemy.dialects.postgresql.pg8000",
        "sqlalchemy.dialects.postgresql.psycopg2cffi",
    }
)


class _DeferringLoader(Loader):
    """Executes a module only when one of its attributes is read.

    `importlib.util.LazyLoader` does not fit, because it executes a package when a module of the package is imported.
    """

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        def execute_and_get(name: str) -> Any:
            vars(module).pop("__getattr__", None)
            self._loader.exec_module(module)
            return getattr(module, name)

        vars(module)["__getattr__"] = execute_and_get


class _DeferringFinder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in DEFERRED:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _DeferringLoader(spec.loader)
        return spec


def defer_modules() -> None:
    """From now on, load a module of `DEFERRED` only when one of its attributes is read."""
    sys.meta_path.insert(0, _DeferringFinder())
