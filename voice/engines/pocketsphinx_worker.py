"""The process that decodes speech, forked once per decoder.

pocketsphinx holds the interpreter lock while it decodes (a stall of 350 ms was measured), so it
cannot live in the process of the event loop, not even in a thread. This program loads the models
once and then forks a child for every socket that it is sent: a decoder is ready within
milliseconds and the models' memory is shared between all of them. How speech is
decoded is in `pocketsphinx_decoding`, who goes first in `core_share`.

Messages in both directions: a header of kind, utterance number and payload length, then the
payload.

    START   →  JSON {"rate": Hz, "mean": [13 floats] or null}: begin an utterance
    AUDIO   →  PCM16
    END     →  no more audio: answer with FINAL
    CANCEL  →  forget the utterance
    PARTIAL ←  JSON {"text", "audio_ms"}, when the text has changed
                or now covers all speech heard
    FINAL   ←  JSON {"words": [[text, start_ms, end_ms, probability]…], "voiced_ms", "mean"}
    READY   ←  the models are loaded (on the control socket)
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import struct
import sys
from typing import Any

from voice.engines.core_share import CoreShare
from voice.engines.pocketsphinx_decoding import Decoding
from voice.engines.pocketsphinx_search import Engine

HEADER = struct.Struct("!cII")
START, AUDIO, END, CANCEL, PARTIAL, FINAL, READY = b"S", b"A", b"E", b"C", b"P", b"F", b"R"
TURN_S = 0.004
"""How long a decoder waits that may not go on yet: a fraction of one piece of work."""


class Connection:
    """Messages over a stream socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._pending = bytearray()

    def receive(self, *, wait_s: float | None) -> list[tuple[bytes, int, bytes]] | None:
        """Return the messages that arrive in time (None: at any time); None at the end."""
        while True:
            if not select.select([self._sock], [], [], wait_s)[0]:
                return []
            data = self._sock.recv(65536)
            if not data:
                return None
            self._pending += data
            if messages := list(self._complete()):
                return messages

    def _complete(self) -> Any:
        while len(self._pending) >= HEADER.size:
            kind, number, length = HEADER.unpack_from(self._pending)
            end = HEADER.size + length
            if len(self._pending) < end:
                return
            yield kind, number, bytes(self._pending[HEADER.size : end])
            del self._pending[:end]

    def send(self, kind: bytes, number: int, content: dict[str, Any]) -> None:
        payload = json.dumps(content).encode()
        self._sock.sendall(HEADER.pack(kind, number, len(payload)) + payload)


def serve(connection: Connection, engine: Engine, share: CoreShare) -> None:
    """Decode utterances, one at a time, until the other end goes away."""
    current: Decoding | None = None
    wait_s: float | None = None
    while True:
        messages = connection.receive(wait_s=wait_s)
        if messages is None:
            return
        for message in messages:
            current = _take(message, current, engine)
        share.hurry(current is not None and current.is_waited_for)
        wait_s = 0.0
        if current is None:
            wait_s = None
        elif current.has_work:
            current.step()
        elif current.has_long_work:
            with share.core() as is_ours:
                if is_ours:
                    current.step_long()
                else:
                    wait_s = TURN_S
        elif current.is_ending:
            connection.send(FINAL, current.number, current.close())
            current = None
        else:
            wait_s = None
        if current is not None and (text := current.news()) is not None:
            content = {"text": text, "audio_ms": current.decoded_ms}
            connection.send(PARTIAL, current.number, content)


def _take(
    message: tuple[bytes, int, bytes], current: Decoding | None, engine: Engine
) -> Decoding | None:
    """Do what a message says, and return the utterance that is decoded from then on."""
    kind, number, payload = message
    if kind == START:
        if current is not None:
            current.abandon()
        options = json.loads(payload)
        return Decoding(engine, number, options["rate"], options["mean"])
    if current is None or current.number != number:
        return current
    if kind == AUDIO:
        current.add(payload)
    elif kind == END:
        current.end()
    elif kind == CANCEL:
        current.abandon()
        return None
    return current


def main(control_fd: int) -> None:
    """Load the models, then fork a decoder for every socket received, until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then hangs up
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children that end are not waited for
    control = socket.socket(fileno=control_fd)
    engine, share = Engine(), CoreShare()
    control.sendall(READY)
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not data:
            return
        for descriptor in descriptors:
            if os.fork() == 0:
                control.close()
                with contextlib.suppress(ConnectionError):  # the parent dropped this decoder
                    serve(Connection(socket.socket(fileno=descriptor)), engine, share)
                os._exit(0)
            os.close(descriptor)


if __name__ == "__main__":
    main(int(sys.argv[1]))
