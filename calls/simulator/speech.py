"""The carrier's own voice for `<Say>`: espeak-ng, in a process of its own.

The espeak-ng library keeps one state per process. An application that runs in the same process
(in a test) may use it too, so the carrier speaks in a child process and neither disturbs the other.
"""

from __future__ import annotations

import asyncio
import ctypes
import struct
import sys
from pathlib import Path

TIMEOUT_S = 20
PROGRAM = str(Path(__file__).resolve())
MOST_CHARACTERS = 4096  # twilio.com/docs/voice/twiml/say

_SYNCHRONOUS, _UTF8 = 2, 1


class SpeechError(Exception):
    """The sentence could not be spoken; the message says why."""


async def say(text: str, language: str) -> bytes:
    """Return a spoken text as a WAV file.

    Raises:
        SpeechError: the speech engine is missing, failed or took too long.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        PROGRAM,
        language,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            sound, problem = await process.communicate(text[:MOST_CHARACTERS].encode())
    except BaseException as error:
        if process.returncode is None:
            process.kill()
            await process.wait()
        if isinstance(error, TimeoutError):
            raise SpeechError(f"espeak-ng took more than {TIMEOUT_S} s") from error
        raise
    if process.returncode:
        raise SpeechError(problem.decode(errors="replace").strip()[-300:])
    return sound


def _speak(text: bytes, language: str) -> bytes:
    """Return 16-bit PCM as a WAV file; runs in the child process."""
    import espeakng_loader

    engine = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = engine.espeak_Initialize(_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0)
    if rate <= 0:
        raise SystemExit("espeak-ng did not start")
    pieces: list[bytes] = []
    callback_type = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
    )

    def take(samples: ctypes._Pointer[ctypes.c_short], count: int, _events: int) -> int:
        if samples and count > 0:
            pieces.append(ctypes.string_at(samples, count * 2))
        return 0

    callback = callback_type(take)
    engine.espeak_SetSynthCallback(callback)
    if engine.espeak_SetVoiceByName(language.lower().encode()) != 0:
        engine.espeak_SetVoiceByName(b"en-us")
    engine.espeak_Synth(text, len(text) + 1, 0, 0, 0, _UTF8, None, None)
    engine.espeak_Synchronize()
    sound = b"".join(pieces)
    header = struct.pack("<HHIIHH", 1, 1, rate, rate * 2, 2, 16)
    body = b"WAVEfmt " + struct.pack("<I", len(header)) + header
    body += b"data" + struct.pack("<I", len(sound)) + sound
    return b"RIFF" + struct.pack("<I", len(body)) + body


if __name__ == "__main__":
    sys.stdout.buffer.write(_speak(sys.stdin.buffer.read(), sys.argv[1]))
