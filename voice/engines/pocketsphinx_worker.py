"""The process that decodes speech, forked once per decoder.

pocketsphinx holds the interpreter lock while it decodes (a stall of 350 ms was measured), so it
cannot live in the process of the event loop, not even in a thread. This program loads the models
once and then forks a child for every socket that it is sent: a decoder is ready within
milliseconds and the models' memory is shared between all of them. It imports nothing of ours.

Messages in both directions: a header of kind, utterance number and payload length, then the
payload.

    START   →  JSON {"rate": Hz, "mean": [13 floats] or null}: begin an utterance
    AUDIO   →  PCM16
    END     →  no more audio: answer with FINAL
    CANCEL  →  forget the utterance
    PARTIAL ←  JSON {"text", "audio_ms"}, when the text has changed
    FINAL   ←  JSON {"words": [[text, start_ms, end_ms, probability]…], "voiced_ms", "mean"}
    READY   ←  the models are loaded (on the control socket)

Cepstral means: the models know studio microphones, and on a telephone line their default
normalisation makes three words in four wrong. A mean for band-limited speech is the starting
point; the utterance's first 600 ms, heard before decoding begins, then what follows, and what
earlier utterances of the call taught, move it towards this caller on this line.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import struct
import sys
import tempfile
from typing import Any

import numpy as np
import pocketsphinx
import soxr

HEADER = struct.Struct("!cII")
START, AUDIO, END, CANCEL, PARTIAL, FINAL, READY = b"S", b"A", b"E", b"C", b"P", b"F", b"R"

MODEL_RATE = 16000
FRAME_MS = 10
SLICE_MS = 80
HEAD_MS = 600
REFINE_EVERY_MS = 200
REFINE_UNTIL_MS = 2000
PRIOR_FRAMES = 30
CARRIED_FRAMES = 60
_LIBRARY_PRIOR_FRAMES = 500  # CMN_WIN in pocketsphinx: the weight it gives to a mean it is set
DITHER = 3.0  # in 16-bit steps: keeps the empty band above 4 kHz at a steady level

TELEPHONE_MEAN = np.array(
    [37.5, 24.1, -28.3, 42.5, -17.6, 0.3, 14.7, -24.8, 16.6, -12.8, 2.2, 10.9, -12.7]
)


PITCH_WINDOW_MS = 40
PITCH_HZ = (70, 400)
PERIODICITY = 0.6
QUIETEST_VOICE = 60.0  # root mean square in 16-bit steps: -55 dBFS


def voiced_ms(pcm: bytes, rate: int) -> int:
    """Return how much of the audio repeats itself at the pitch of a voice.

    Vowels do; clicks, coughs, wind and hiss do not, whatever words a decoder finds in them.
    """
    window = rate * PITCH_WINDOW_MS // 1000
    samples = np.frombuffer(pcm, np.int16).astype(np.float32)
    count = len(samples) // window
    if not count:
        return 0
    frames = samples[: count * window].reshape(count, window)
    frames = frames - frames.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(frames, 2 * window)
    correlation = np.fft.irfft(spectrum * np.conj(spectrum))[:, :window]
    energy = correlation[:, 0]
    shortest, longest = rate // PITCH_HZ[1], rate // PITCH_HZ[0]
    overlap = 1 - np.arange(shortest, longest) / window
    best = (correlation[:, shortest:longest] / overlap).max(axis=1)
    voiced = (best > PERIODICITY * energy) & (energy > window * QUIETEST_VOICE**2)
    return int(voiced.sum()) * PITCH_WINDOW_MS


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


class LineMean:
    """The running estimate of an utterance's cepstral mean, prior and evidence."""

    def __init__(self, carried: list[float] | None) -> None:
        self._prior = TELEPHONE_MEAN if carried is None else np.array(carried)
        self._prior_frames = PRIOR_FRAMES if carried is None else CARRIED_FRAMES
        self._sum = np.zeros(13)
        self._frames = 0

    def add(self, mean: Any, frames: int) -> None:
        self._sum += mean * frames
        self._frames += frames

    @property
    def value(self) -> Any:
        return (self._prior * self._prior_frames + self._sum) / (self._prior_frames + self._frames)


def _mean_of(decoder: Any) -> Any:
    """Return the library's current mean, updated with the frames it has just seen."""
    return np.array([float(part) for part in decoder.get_cmn(True).split(",")])


def _set_mean(decoder: Any, mean: Any) -> None:
    decoder.set_cmn(",".join(f"{part:.4f}" for part in mean))


class Engine:
    """A decoder, and a second one that only measures features."""

    def __init__(self) -> None:
        # Without the second full pass (fwdflat) the final result comes 130 ms sooner for two
        # points of word error; the best path through the lattice costs 20 ms and is worth five.
        # At most 12 000 active states a frame: a fifth less work, half a point of word error.
        self.decoder = pocketsphinx.Decoder(loglevel="FATAL", fwdflat=False, maxhmmpf=12000)
        with tempfile.NamedTemporaryFile("w", suffix=".dict") as words:
            words.write("yes Y EH S\n")
            words.flush()
            self._features = pocketsphinx.Decoder(
                loglevel="FATAL", lm=None, dict=words.name, keyphrase="yes"
            )

    def head_mean(self, pcm: bytes) -> Any:
        """Return the cepstral mean of a piece of audio without decoding it."""
        frames = max(1, len(pcm) * 500 // MODEL_RATE // FRAME_MS)
        _set_mean(self._features, np.zeros(13))
        self._features.start_utt()
        self._features.process_raw(pcm, no_search=True)
        mean = _mean_of(self._features) * (_LIBRARY_PRIOR_FRAMES + frames) / frames
        self._features.end_utt()
        return mean, frames


class Decoding:
    """One utterance inside the decoder."""

    def __init__(self, engine: Engine, number: int, rate: int, mean: list[float] | None) -> None:
        self.number = number
        self.ending = False
        self._engine = engine
        self._rate = rate
        self._resampler = soxr.ResampleStream(rate, MODEL_RATE, 1, dtype="int16", quality="HQ")
        self._noise = np.random.default_rng(0)
        self._mean = LineMean(mean)
        self._waiting = bytearray()
        self._voiced_ms = 0
        self._heard_ms = 0.0
        self._started = False
        self._measured_frames = 0
        self._refined_ms = 0.0
        self._text = ""

    def add(self, pcm: bytes) -> None:
        self._waiting += pcm

    @property
    def has_work(self) -> bool:
        if self._started or self.ending:
            return bool(self._waiting)
        return len(self._waiting) * 500 // self._rate >= HEAD_MS

    def step(self) -> str | None:
        """Decode the next slice; return the partial text if it has changed."""
        size = SLICE_MS if self._started else HEAD_MS
        taken = bytes(self._waiting[: self._rate * size // 500])
        del self._waiting[: len(taken)]
        self._heard_ms += len(taken) * 500 / self._rate
        self._voiced_ms += voiced_ms(taken, self._rate)
        self._decode(self._at_model_rate(taken))
        hypothesis = self._engine.decoder.hyp()
        text = hypothesis.hypstr if hypothesis else ""
        if text == self._text:
            return None
        self._text = text
        return text

    def _at_model_rate(self, pcm: bytes, *, last: bool = False) -> bytes:
        samples = self._resampler.resample_chunk(np.frombuffer(pcm, np.int16), last=last)
        noisy = samples + self._noise.normal(0.0, DITHER, len(samples))
        return bytes(np.clip(noisy, -32768, 32767).astype(np.int16))

    def _decode(self, pcm: bytes) -> None:
        if not pcm:
            return
        decoder = self._engine.decoder
        if not self._started:
            self._mean.add(*self._engine.head_mean(pcm))
            _set_mean(decoder, self._mean.value)
            decoder.start_utt()
            self._started = True
            decoder.process_raw(pcm)
            _set_mean(decoder, self._mean.value)  # these frames are in the estimate already
            self._measured_frames = decoder.n_frames()
            self._refined_ms = self._heard_ms
            return
        decoder.process_raw(pcm)
        if self._heard_ms - self._refined_ms >= REFINE_EVERY_MS:
            self._refine()

    def _refine(self) -> None:
        """Let the frames since the last time move the mean, early in the utterance."""
        self._refined_ms = self._heard_ms
        decoder = self._engine.decoder
        frames = decoder.n_frames() - self._measured_frames
        if self._heard_ms > REFINE_UNTIL_MS or frames <= 0:
            return
        self._measured_frames += frames
        before = self._mean.value
        mixed = _mean_of(decoder)
        seen = (mixed * (_LIBRARY_PRIOR_FRAMES + frames) - before * _LIBRARY_PRIOR_FRAMES) / frames
        self._mean.add(seen, frames)
        _set_mean(decoder, self._mean.value)

    def close(self) -> dict[str, Any]:
        """Finish the utterance and return the FINAL message's content."""
        self._decode(self._at_model_rate(b"", last=True))
        words: list[tuple[str, int, int, float]] = []
        if self._started:
            decoder = self._engine.decoder
            decoder.end_utt()
            if decoder.hyp() is not None:
                words = [_word(segment) for segment in decoder.seg()]
        self._started = False
        return {
            "words": [word for word in words if word[0][0] not in "<["],
            "voiced_ms": self._voiced_ms,
            "mean": [round(float(part), 3) for part in self._mean.value],
        }

    def abandon(self) -> None:
        if self._started:
            self._engine.decoder.end_utt()
            self._started = False

    @property
    def heard_ms(self) -> int:
        return round(self._heard_ms)


def _word(segment: Any) -> tuple[str, int, int, float]:
    probability = min(1.0, max(0.0, float(segment.prob)))
    text = segment.word.split("(")[0]  # "read(2)" is a second pronunciation of "read"
    start, end = segment.start_frame * FRAME_MS, (segment.end_frame + 1) * FRAME_MS
    return text, start, end, round(probability, 4)


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
                partial = {"text": text, "audio_ms": current.heard_ms}
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
