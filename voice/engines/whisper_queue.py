"""A few worker threads that many calls share fairly.

Calls take turns: whoever was served goes to the end, so one call with much to do cannot hold the
others up. What a caller is waiting for (a final transcript) goes before what may come later (a
partial one). The queue is bounded: beyond its length, work that may come later is refused, and
beyond twice its length everything is.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable

import structlog

from voice.engines.interface import EngineBusyError

log = structlog.get_logger(__name__)


class Ticket:
    """A piece of work and its place in the queue."""

    def __init__(self, call: Hashable, work: Callable[[], None], *, urgent: bool) -> None:
        self.call = call
        self.work = work
        self.urgent = urgent
        self.started = False
        self.withdrawn = False


class _Lane:
    """Waiting work, by call; calls take turns."""

    def __init__(self) -> None:
        self._calls: OrderedDict[Hashable, deque[Ticket]] = OrderedDict()

    def put(self, ticket: Ticket) -> None:
        self._calls.setdefault(ticket.call, deque()).append(ticket)

    def take(self) -> Ticket | None:
        if not self._calls:
            return None
        call, tickets = self._calls.popitem(last=False)
        ticket = tickets.popleft()
        if tickets:
            self._calls[call] = tickets
        return ticket

    def remove(self, ticket: Ticket) -> None:
        tickets = self._calls.get(ticket.call)
        if tickets is None or ticket not in tickets:
            return
        tickets.remove(ticket)
        if not tickets:
            del self._calls[ticket.call]

    def __len__(self) -> int:
        return sum(map(len, self._calls.values()))


class FairWorkers:
    """Threads that do the work of many calls.

    Args:
        threads: How many pieces of work are done at once.
        longest: How many may wait; urgent ones may fill it twice.
        name: Of the threads.
    """

    def __init__(self, threads: int, *, longest: int, name: str) -> None:
        if threads < 1 or longest < 1:
            raise ValueError(f"threads and longest must be 1 or more, got {threads}, {longest}")
        self._count = threads
        self._longest = longest
        self._name = name
        self._urgent, self._patient = _Lane(), _Lane()
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many pieces of work nobody does yet."""
        with self._changed:
            return len(self._urgent) + len(self._patient)

    def submit(self, call: Hashable, work: Callable[[], None], *, urgent: bool) -> Ticket:
        """Queue work for a call. It runs on a worker thread and must not raise.

        Raises:
            EngineBusyError: The queue is full, or closed.
        """
        ticket = Ticket(call, work, urgent=urgent)
        with self._changed:
            waiting = len(self._urgent) + len(self._patient)
            if self._closed or waiting >= self._longest * (2 if urgent else 1):
                raise EngineBusyError(f"{waiting} utterances wait for {self._name} already")
            (self._urgent if urgent else self._patient).put(ticket)
            if not self._threads:
                self._start()
            self._changed.notify()
        return ticket

    def hurry(self, ticket: Ticket) -> None:
        """Make work urgent that still waits."""
        with self._changed:
            if not ticket.started and not ticket.withdrawn and not ticket.urgent:
                self._patient.remove(ticket)
                ticket.urgent = True
                self._urgent.put(ticket)

    def withdraw(self, ticket: Ticket) -> None:
        """Take work back that nobody has begun; safe to call twice or too late."""
        with self._changed:
            ticket.withdrawn = True
            (self._urgent if ticket.urgent else self._patient).remove(ticket)

    def close(self) -> None:
        """Drop what waits and end the threads; work that has begun is finished first. Blocks."""
        with self._changed:
            self._closed = True
            self._urgent, self._patient = _Lane(), _Lane()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._threads = []

    def _start(self) -> None:
        for number in range(self._count):
            thread = threading.Thread(target=self._run, name=f"{self._name}-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _run(self) -> None:
        while (work := self._next()) is not None:
            try:
                work()
            except Exception as error:  # one call's work must not end all the others'
                log.error("speech_work_failed", error=type(error).__name__)
            del work  # with all the audio it holds, while the thread waits

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            while not self._closed:
                ticket = self._urgent.take() or self._patient.take()
                if ticket is not None:
                    ticket.started = True
                    return ticket.work
                self._changed.wait()
            return None
