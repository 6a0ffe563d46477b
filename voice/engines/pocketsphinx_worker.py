"""The process that decodes speech, forked once per decoder.

pocketsphinx holds the interpreter lock while it decodes (a stall of 350 ms was measured), so it
cannot live in the process of the event loop, not even in a thread. This program loads the models
once and then forks a child for every socket that it is sent: a decoder is ready within
milliseconds and the models' memory is shared between all of them. How speech is
decoded is in `pocketsphinx_decoding`.

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
import signal
import socket
import struct
import sys
from typing import Any

from voice.engines.pocketsphinx_decoding import Decoding, Engine

HEADER = struct.Struct("!cII")
START, AUDIO, END, CANCEL, PARTIAL, FINAL, READY = b"S", b"A", b"E", b"C", b"P", b"F", b"R"


class Connection:
    """Messages over a stream socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._pending = bytearray()

    def receive(self, *, wait: bool) -> list[tuple[bytes, int, bytes]] | None:
        """Return the messages that have arrived, waiting for some if asked; None at the end."""
        while True:
            try:
                data = self._sock.recv(65536, 0 if wait else socket.MSG_DONTWAIT)
            except BlockingIOError:
                return []
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


def serve(connection: Connection, engine: Engine) -> None:
    """Decode utterances, one at a time, until the other end goes away."""
    current: Decoding | None = None
    while True:
        busy = current is not None and (current.has_work or current.ending)
        messages = connection.receive(wait=not busy)
        if messages is None:
            return
        for kind, number, payload in messages:
            if kind == START:
                if current is not None:
                    current.abandon()
                options = json.loads(payload)
                current = Decoding(engine, number, options["rate"], options["mean"])
            elif current is None or current.number != number:
                continue
            elif kind == AUDIO:
                current.add(payload)
            elif kind == END:
                current.ending = True
            elif kind == CANCEL:
                current.abandon()
                current = None
        if current is None:
            continue
        if current.has_work:
            text = current.step()
            if text is not None and not current.ending:
                partial = {"text": text, "audio_ms": current.decoded_ms}
                connection.send(PARTIAL, current.number, partial)
        elif current.ending:
            connection.send(FINAL, current.number, current.close())
            current = None


def main(control_fd: int) -> None:
    """Load the models, then fork a decoder for every socket received, until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then hangs up
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children that end are not waited for
    control = socket.socket(fileno=control_fd)
    engine = Engine()
    control.sendall(READY)
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not data:
            return
        for descriptor in descriptors:
            if os.fork() == 0:
                control.close()
                with contextlib.suppress(ConnectionError):  # the parent dropped this decoder
                    serve(Connection(socket.socket(fileno=descriptor)), engine)
                os._exit(0)
            os.close(descriptor)


if __name__ == "__main__":
    main(int(sys.argv[1]))
