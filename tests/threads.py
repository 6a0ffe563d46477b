"""Run the same work in many threads at once, on a database that all of them share."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier
from typing import TypeVar

from django.db import connection, connections

T = TypeVar("T")


@contextmanager
def shared_database(folder: Path) -> Iterator[None]:
    """Let threads see what the test has committed (use `transaction=True`).

    PostgreSQL does that anyway. The tests' SQLite lives in memory, where threads cannot wait for
    each other's locks: its rows are copied to a file, as in embedded mode, for the block's time.
    What threads write there is to be read by threads too.
    """
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    path = folder / "shared.sqlite3"
    with sqlite3.connect(path) as copy:
        connection.connection.backup(copy)
    copy.close()
    settings = connections.settings["default"]
    name = settings["NAME"]
    settings["NAME"] = str(path)
    try:
        yield
    finally:
        settings["NAME"] = name


def at_once(count: int, work: Callable[[int], T]) -> list[T | Exception]:
    """Call `work(0)` ... `work(count - 1)` at the same moment; return results or exceptions."""
    barrier = Barrier(count)

    def run(number: int) -> T | Exception:
        barrier.wait(timeout=60)
        try:
            return work(number)
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=count) as pool:
        return list(pool.map(run, range(count)))
