"""Decoder processes: started once, leased for one utterance at a time.

The pool belongs to the process, not to an event loop. It never blocks: loading happens in
`preload` (before readiness) or, if a loader died, in the background while audio waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from voice.engines import pocketsphinx_worker as wire
from voice.engines.interface import EngineError

log = structlog.get_logger(__name__)

START_TIMEOUT_S: Final = 120.0
"""How long the models may take to load before the engine counts as broken: it takes a second,
and half a minute on a machine that starts many things at once."""

ROOT: Final = Path(wire.__file__).parents[2]
"""Where our packages are imported from."""

Grant = Callable[["DecoderLink"], None]


class DecoderLink:
    """The parent's end of the socket to one decoder process.

    While leased it is attached to the event loop of the call; sending never waits, what the
    socket does not take at once is kept (an utterance is bounded, so this is too).
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._unsent = bytearray()
        self._received = bytearray()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_message: Callable[[bytes, int, bytes], None] | None = None
        self._on_lost: Callable[[], None] | None = None
        self.lost = False

    def is_alive(self) -> bool:
        """Whether the decoder is still at the other end, as far as the socket knows."""
        if self.lost:
            return False
        try:
            return bool(self._sock.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def attach(
        self,
        on_message: Callable[[bytes, int, bytes], None],
        on_lost: Callable[[], None],
    ) -> None:
        """Deliver messages to the running event loop until `detach`."""
        self._loop = asyncio.get_running_loop()
        self._on_message, self._on_lost = on_message, on_lost
        self._loop.add_reader(self._sock, self._read)

    def detach(self) -> None:
        """Stop delivering. Whatever is still unsent makes the decoder unfit for another lease."""
        self._on_message = self._on_lost = None
        if self._loop is not None and not self.lost and not self._loop.is_closed():
            self._loop.remove_reader(self._sock)
            self._loop.remove_writer(self._sock)
        self._loop = None
        if self._unsent:
            self.close()

    def send(self, kind: bytes, number: int, payload: bytes = b"") -> None:
        """Send a message, or keep what the socket cannot take yet."""
        if self.lost:
            return
        self._unsent += wire.HEADER.pack(kind, number, len(payload)) + payload
        self._write()

    def close(self) -> None:
        """Hang up; the decoder process ends by itself."""
        if not self.lost:
            self.lost = True
            if self._loop is not None and not self._loop.is_closed():
                self._loop.remove_reader(self._sock)
                self._loop.remove_writer(self._sock)
            self._sock.close()

    def _write(self) -> None:
        try:
            while self._unsent:
                del self._unsent[: self._sock.send(self._unsent)]
        except BlockingIOError:
            if self._loop is not None:
                self._loop.add_writer(self._sock, self._write)
            return
        except OSError:
            self._lose()
            return
        if self._loop is not None:
            self._loop.remove_writer(self._sock)

    def _read(self) -> None:
        try:
            data = self._sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lose()
            return
        self._received += data
        while len(self._received) >= wire.HEADER.size:
            kind, number, length = wire.HEADER.unpack_from(self._received)
            end = wire.HEADER.size + length
            if len(self._received) < end:
                return
            payload = bytes(self._received[wire.HEADER.size : end])
            del self._received[:end]
            if self._on_message is not None:
                self._on_message(kind, number, payload)

    def _lose(self) -> None:
        on_lost = self._on_lost
        self.close()
        if on_lost is not None and self._loop is not None:
            self._loop.call_soon(on_lost)


class DecoderPool:
    """Leases decoders; makes more when all are busy, up to `max_decoders`.

    Waiting policy: first come, first served, across all calls of the process; an utterance keeps
    its own audio (bounded by its longest length) while it waits.

    Args:
        max_decoders: Decoder processes at most. A decoder that works takes a fifth of a core,
            and not every caller speaks at once.
        ready_decoders: How many `preload` leaves ready.
    """

    def __init__(self, *, max_decoders: int = 12, ready_decoders: int = 2) -> None:
        if max_decoders < 1:
            raise ValueError(f"max_decoders must be at least 1, got {max_decoders}")
        self._max = max_decoders
        self._ready = min(ready_decoders, max_decoders)
        self._lock = threading.RLock()
        self._idle: list[DecoderLink] = []
        self._leased: set[DecoderLink] = set()
        self._waiting: deque[tuple[asyncio.AbstractEventLoop, Grant]] = deque()
        self._loader: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._is_loaded = False

    @property
    def leased(self) -> int:
        """How many decoders are in use."""
        return len(self._leased)

    @property
    def waiting(self) -> int:
        """How many utterances wait for a decoder."""
        return len(self._waiting)

    def preload(self) -> None:
        """Load the models and fork the first decoders. Blocks for about a second; call it once
        before serving, never on the event loop. Calling it again does nothing.

        Raises:
            EngineError: The models did not load in `START_TIMEOUT_S`.
        """
        with self._lock:
            if self._is_loaded and self._loader is not None and self._loader.poll() is None:
                return
            control = self._start_loader()
            control.settimeout(START_TIMEOUT_S)
            try:
                answer = control.recv(1)
            except OSError as error:
                answer = b""
                log.error("stt_loader_failed", error=str(error))
            control.setblocking(False)
            if answer != wire.READY:
                self._stop_loader()
                raise EngineError(
                    "pocketsphinx did not start: run "
                    f"'{sys.executable} -c \"import pocketsphinx; pocketsphinx.Decoder()\"' "
                    "to see why"
                )
            self._is_loaded = True
            while len(self._idle) + len(self._leased) < self._ready:
                self._idle.append(self._fork())

    def lease(self, grant: Grant) -> None:
        """Call `grant` with a decoder: at once if one is free, else when one is returned.

        Must be called on the event loop on which `grant` is to run.
        """
        with self._lock:
            link = self._take()
            if link is None:
                self._waiting.append((asyncio.get_running_loop(), grant))
                log.info("stt_decoder_wait", waiting=len(self._waiting), max=self._max)
                return
        grant(link)

    def withdraw(self, grant: Grant) -> None:
        """Stop waiting for a decoder. Does nothing if `grant` is not waiting."""
        with self._lock:
            self._waiting = deque(entry for entry in self._waiting if entry[1] != grant)

    def give_back(self, link: DecoderLink) -> None:
        """Return a decoder; the longest waiting utterance gets it."""
        link.detach()
        with self._lock:
            self._leased.discard(link)
            if not link.lost:
                self._idle.append(link)
            while self._waiting:
                loop, grant = self._waiting[0]
                if loop.is_closed():
                    self._waiting.popleft()
                    continue
                following = self._take()
                if following is None:
                    return
                self._waiting.popleft()
                loop.call_soon_threadsafe(grant, following)

    def close(self) -> None:
        """Let all decoder processes end. The pool can be preloaded again."""
        with self._lock:
            for link in (*self._idle, *self._leased):
                link.close()
            self._idle.clear()
            self._leased.clear()
            self._stop_loader()

    def _take(self) -> DecoderLink | None:
        while self._idle:
            link = self._idle.pop()
            if link.is_alive():
                self._leased.add(link)
                return link
            link.close()
        if len(self._leased) >= self._max:
            return None
        link = self._fork()
        self._leased.add(link)
        return link

    def _fork(self) -> DecoderLink:
        """Ask the loader for one more decoder; the request waits in its socket while it loads."""
        for _ in range(2):
            control = self._control or self._start_loader()
            ours, theirs = socket.socketpair()
            with theirs:
                try:
                    socket.send_fds(control, [b"f"], [theirs.fileno()])
                    return DecoderLink(ours)
                except OSError as error:
                    log.warning("stt_loader_lost", error=str(error))
                    ours.close()
                    self._stop_loader()
        raise EngineError("pocketsphinx's decoder processes cannot be started", retryable=True)

    def _start_loader(self) -> socket.socket:
        self._stop_loader()
        ours, theirs = socket.socketpair()
        with theirs:
            self._loader = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-m", wire.__name__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=_worker_environment(),
            )
        ours.setblocking(False)
        self._control = ours
        return ours

    def _stop_loader(self) -> None:
        self._is_loaded = False
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._loader is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._loader.wait(timeout=0)
            if self._loader.returncode is None:
                self._loader.terminate()
                self._loader.wait()
            self._loader = None


def _worker_environment() -> dict[str, str]:
    """Return the environment of the decoder processes: our code to import, one thread each."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return {**os.environ, **threads, "PYTHONPATH": path}
