"""Speech engines outside the process, as stand-ins: Piper's HTTP server and a Whisper server.

    python -m benchmarks.outside --port 0

They speak the real protocols and cost the system measured what real ones would: a request, its
answer, its waiting. What they do not cost is the processor, which real ones have on another machine
or a GPU. The voice is a hum as long as the words would be. The recogniser knows the carrier
simulator's sentences by their loudness over time, which is enough to tell them apart, and answers
after `--hear-ms`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import wave
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from aiohttp import web
from numpy.typing import NDArray

from calls.simulator import clips, g711

RATE = 22050
MS_PER_CHARACTER = 62
STEP_MS = 20
ONSET_DB = 12.0
"""Louder than the quiet of the line by so much, somebody has begun to speak."""
JITTER_STEPS = 2

Envelope = NDArray[np.float64]


@dataclass(frozen=True)
class Sentence:
    """Something the simulator's people say."""

    text: str
    envelope: Envelope


def envelope(samples: NDArray[np.int16], rate: int) -> Envelope:
    """Return loudness in steps of 20 ms, in dB."""
    width = rate * STEP_MS // 1000
    count = len(samples) // width
    blocks = samples[: count * width].reshape(count, width).astype(np.float64)
    return np.asarray(10 * np.log10(np.square(blocks).mean(axis=1) + 1e3))


def onset(loudness: Envelope) -> int:
    """Return the step at which somebody begins to speak; the length if nobody does."""
    loud = np.flatnonzero(loudness > np.percentile(loudness, 5) + ONSET_DB)
    return int(loud[0]) if loud.size else len(loudness)


def sentences() -> list[Sentence]:
    """Return all that the simulator has clips of."""
    found = []
    for path in sorted(clips.CLIPS.glob("*.wav")):
        samples = g711.decode(clips.clip(path.stem))
        loudness = envelope(np.concatenate((np.zeros(3200, np.int16), samples)), 8000)
        found.append(Sentence(path.stem.replace("_", " "), loudness[onset(loudness) :]))
    return found


class Recogniser:
    """Tells which sentence a piece of sound is, and how far it has come in it."""

    def __init__(self) -> None:
        self._known = sentences()
        self._lengths = np.array([len(one.envelope) for one in self._known])
        self._longest = int(self._lengths.max())
        self._loudness = np.zeros((len(self._known), self._longest))
        for row, one in zip(self._loudness, self._known, strict=True):
            row[: len(one.envelope)] = one.envelope

    def hear(self, samples: NDArray[np.int16], rate: int) -> str:
        """Return the words of the sentence, as far as it has been said."""
        heard = envelope(samples, rate)
        heard = heard[onset(heard) :]
        if len(heard) < 8:
            return ""
        fits = [self._fits(heard[shift:]) for shift in range(JITTER_STEPS + 1)]
        sentence = self._known[int(np.argmax(np.max(fits, axis=0)))]
        words = sentence.text.split()
        share = min(1.0, len(heard) / len(sentence.envelope))
        return " ".join(words[: max(1, round(share * len(words)))])

    def _fits(self, heard: Envelope) -> NDArray[np.float64]:
        """Return how well the sound's loudness goes with each sentence's, -1 to 1, less what is
        left over when the sentence is at its end."""
        length = min(len(heard), self._longest)
        part = heard[:length]
        known = self._loudness[:, :length]
        both = (np.arange(length) < self._lengths[:, None]).astype(np.float64)
        count = both.sum(axis=1)
        mean, known_mean = both @ part / count, (known * both).sum(axis=1) / count
        power = both @ np.square(part) / count - np.square(mean)
        known_power = (np.square(known) * both).sum(axis=1) / count - np.square(known_mean)
        together = (known * both) @ part / count - mean * known_mean
        fit = together / np.sqrt(np.maximum(1.0, power) * np.maximum(1.0, known_power))
        loud = (heard > heard.max() - 25).astype(np.float64)
        spoken = np.concatenate((np.cumsum(loud[::-1])[::-1], [0.0]))
        ends = np.minimum(self._lengths + 5, len(heard))
        left = spoken[ends] / np.maximum(1, len(heard) - ends)
        return np.asarray(fit - 0.5 * left)


@lru_cache(maxsize=4096)
def hum(characters: int) -> bytes:
    """Return a WAV file of a voice-like hum, as long as so many characters take to say."""
    count = RATE * MS_PER_CHARACTER * max(4, characters) // 1000
    at = np.arange(count) / RATE
    tone = np.sin(2 * np.pi * 140 * at) + 0.5 * np.sin(2 * np.pi * 280 * at)
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * 4 * at)
    samples = (tone * syllables * 6000).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(samples.tobytes())
    return file.getvalue()


class Outside:
    """Both servers behind one port."""

    def __init__(self, *, hear_ms: float, speak_ms: float) -> None:
        self._recogniser = Recogniser()
        self._hear_s, self._speak_s = hear_ms / 1000, speak_ms / 1000

    async def speak(self, request: web.Request) -> web.Response:
        """Answer as Piper's server does."""
        text = str((await request.json())["text"])
        await asyncio.sleep(self._speak_s)
        return web.Response(body=hum(len(text)), content_type="audio/wav")

    async def hear(self, request: web.Request) -> web.Response:
        """Answer as a Whisper server does."""
        began = asyncio.get_running_loop().time()
        form = await request.post()
        file = form["file"]
        assert isinstance(file, web.FileField)
        with wave.open(io.BytesIO(file.file.read())) as sound:
            samples = np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2")
            rate = sound.getframerate()
        text = await asyncio.to_thread(self._recogniser.hear, samples, rate)
        await asyncio.sleep(max(0.0, began + self._hear_s - asyncio.get_running_loop().time()))
        segment = {"start": 0, "end": 1, "avg_logprob": -0.2, "no_speech_prob": 0.01}
        return web.json_response(
            {"text": text, "language": "english", "segments": [segment] if text else []}
        )


async def serve(port: int, outside: Outside) -> None:
    """Serve until cancelled."""
    application = web.Application(client_max_size=8 * 2**20)
    application.add_routes(
        [
            web.post("/synthesize", outside.speak),
            web.get("/info", lambda _: _json({"voice": "hum"})),
            web.post("/v1/audio/transcriptions", outside.hear),
            web.get("/", lambda _: _json({"status": "ready"})),
        ]
    )
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


async def _json(content: dict[str, str]) -> web.Response:
    return web.json_response(content)


def main() -> None:
    """Run the servers."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--hear-ms", type=float, default=80.0, help="to an answer (%(default)s)")
    parser.add_argument("--speak-ms", type=float, default=40.0, help="to a clip (%(default)s)")
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        outside = Outside(hear_ms=options.hear_ms, speak_ms=options.speak_ms)
        asyncio.run(serve(options.port, outside))


if __name__ == "__main__":
    main()
