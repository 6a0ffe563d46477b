"""Whisper for all calls of a process: a real, tiny model on recorded telephone speech."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.worker import PipelineParams
from pipecat.tests.utils import SleepFrame, run_test

from voice.audio import mulaw_decode
from voice.engines.interface import (
    EngineBusyError,
    EngineError,
    Partial,
    SpeechRecognizer,
    Transcript,
)
from voice.engines.stt_service import StreamingSTTService
from voice.engines.whisper import WhisperRecognizer
from voice.engines.whisper_model import WhisperChoice
from voice.tests.tiny_whisper import make_whisper

AUDIO = Path(__file__).parent / "audio"
CHUNK = 320  # 20 ms at 8 kHz
SAYS = "yes i am the owner"


def clip(name: str) -> bytes:
    return mulaw_decode((AUDIO / f"{name}.ulaw").read_bytes())


SPEECH = clip("rms_yes_i_am_the_owner_of_the_house")
SILENCE = bytes(16000)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whisper")
    make_whisper(folder / "tiny", " Yes, I am the owner.")
    make_whisper(folder / "tiny.en", " Yes, I am the owner.", multilingual=False)
    make_whisper(folder / "base", " Thanks for watching!", sureness=6)
    make_whisper(folder / "small", " No hablo.", language="es", sureness=6)
    return folder


def engine_of(models: Path, name: str = "tiny", **options: object) -> WhisperRecognizer:
    return WhisperRecognizer(WhisperChoice(name, models, "cpu"), **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def engine(models: Path) -> Iterator[WhisperRecognizer]:
    made = engine_of(models)
    made.preload()
    yield made
    made.close()


async def recognise(engine: WhisperRecognizer, audio: bytes = SPEECH) -> Transcript:
    utterance = engine.session(8000).begin()
    for at in range(0, len(audio), CHUNK):
        utterance.feed(audio[at : at + CHUNK])
    return await utterance.finish()


async def until(condition: Callable[[], object]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come to that")


async def test_it_hears_an_utterance_to_its_end(engine: WhisperRecognizer) -> None:
    transcript = await recognise(engine)
    assert transcript.text == SAYS
    assert [word.text for word in transcript.words] == SAYS.split()
    assert transcript.audio_ms == pytest.approx(len(SPEECH) // 16, abs=20)
    assert 0 < transcript.confidence <= 1
    assert (transcript.language, transcript.language_probability > 0.5) == ("en", True)


async def test_an_english_only_model_does_as_well(models: Path) -> None:
    engine = engine_of(models, "tiny.en")
    assert (await recognise(engine)).text == SAYS
    engine.close()


async def test_partials_come_while_the_caller_speaks(engine: WhisperRecognizer) -> None:
    partials: list[Partial] = []
    covered_ms: list[int] = []

    def take(partial: Partial) -> None:
        partials.append(partial)
        covered_ms.append(utterance._ms(utterance._latest.heard))

    utterance = engine.session(8000).begin(take)
    for at in range(0, len(SPEECH) // 2, CHUNK):
        utterance.feed(SPEECH[at : at + CHUNK])
        await asyncio.sleep(0.004)
    await until(lambda: partials)
    assert partials[0].text.startswith("yes i am")
    assert 0 < partials[0].audio_ms < covered_ms[0], "words of the sound heard twice, no more"
    assert utterance.partial == partials[-1]
    utterance.cancel()


async def test_the_final_is_ready_when_the_pause_turns_out_to_be_the_end(
    engine: WhisperRecognizer,
) -> None:
    partials: list[Partial] = []
    utterance = engine.session(8000).begin(partials.append)
    utterance.feed(SPEECH)
    utterance.feed(bytes(1600))  # 100 ms
    await until(lambda: partials and utterance._ticket is None)
    hearings = count_hearings(engine)
    utterance.feed(bytes(6400))
    assert (await utterance.finish()).text == SAYS
    assert hearings == []


def count_hearings(engine: WhisperRecognizer) -> list[bool]:
    """Return a list that grows with each hearing of the model from now on."""
    model, seen = engine.model(), []
    decode = model.decode

    def counted(*args: object, **options: object) -> object:
        seen.append(True)
        return decode(*args, **options)  # type: ignore[arg-type]

    model.decode = counted  # type: ignore[method-assign,assignment]
    return seen


@pytest.mark.parametrize("kind", ["silence", "hiss", "clicks"])
async def test_noise_is_not_turned_into_words(engine: WhisperRecognizer, kind: str) -> None:
    chance = np.random.default_rng(5)
    noise = chance.normal(0, 15, 12000)
    if kind == "hiss":
        noise *= 60
    elif kind == "clicks":
        noise[3000:3100] += np.hanning(100) * chance.normal(0, 8000, 100)
    hearings = count_hearings(engine)
    assert (await recognise(engine, noise.astype(np.int16).tobytes())).text == ""
    assert hearings == []  # nor is the model troubled with it


async def test_phantom_words_are_kept_apart(models: Path) -> None:
    engine = engine_of(models, "base")
    partials: list[Partial] = []
    utterance = engine.session(8000).begin(partials.append)
    for at in range(0, len(SPEECH), CHUNK):
        utterance.feed(SPEECH[at : at + CHUNK])
        await asyncio.sleep(0.008)
    transcript = await utterance.finish()
    assert transcript.text == ""
    assert transcript.rejected == "thanks for watching"
    assert partials == []
    engine.close()


async def test_another_language_is_reported(models: Path) -> None:
    engine = engine_of(models, "small")
    transcript = await recognise(engine)
    assert (transcript.text, transcript.language) == ("no hablo", "es")
    assert transcript.language_probability > 0.9
    short = await recognise(engine, SPEECH[8000:14000])
    assert short.language == ""
    engine.close()


async def test_calls_share_one_model_that_is_loaded_off_the_loop(models: Path) -> None:
    engine = engine_of(models)
    transcripts = await asyncio.gather(*(recognise(engine) for _ in range(4)))
    assert [transcript.text for transcript in transcripts] == [SAYS] * 4
    assert engine.model() is engine.model()
    assert sum(thread.name.startswith("whisper-") for thread in threading.enumerate()) >= 1
    engine.close()


async def test_the_loop_turns_while_the_model_works(engine: WhisperRecognizer) -> None:
    turns = 0
    working = asyncio.gather(*(recognise(engine) for _ in range(3)))
    while not working.done():
        turns += 1
        await asyncio.sleep(0.001)
    assert turns > 20


def test_the_model_runs_without_the_interpreters_lock(engine: WhisperRecognizer) -> None:
    audio = np.random.default_rng(1).normal(0, 0.1, 32000).astype(np.float32)
    inside = engine.model()._model
    features = inside.feature_extractor(audio)[..., :3000]
    features = np.pad(features, ((0, 0), (0, 3000 - features.shape[-1])))
    counted, stop = 0, threading.Event()

    def count() -> None:
        nonlocal counted
        while not stop.is_set():
            counted += 1
            time.sleep(0)

    thread = threading.Thread(target=count)
    thread.start()
    before = counted
    inside.encode(features)
    during = counted - before
    stop.set()
    thread.join()
    # An encoding that kept the lock would let the thread count at most once at each border.
    assert during > 10


async def test_a_cancelled_utterance_is_forgotten(engine: WhisperRecognizer) -> None:
    partials: list[Partial] = []
    for _ in range(10):
        utterance = engine.session(8000).begin(partials.append)
        utterance.feed(SPEECH)
        utterance.cancel()
        utterance.cancel()
        utterance.feed(SPEECH)
    assert engine.workers.waiting == 0
    assert (await recognise(engine)).text == SAYS
    assert partials == []


async def test_an_impatient_finish_can_be_cancelled(engine: WhisperRecognizer) -> None:
    utterance = engine.session(8000).begin()
    utterance.feed(SPEECH)
    finishing = asyncio.create_task(utterance.finish())
    await asyncio.sleep(0)
    finishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await finishing
    await until(lambda: engine.workers.waiting == 0)


@pytest.mark.slow
async def test_nothing_is_left_behind_by_many_utterances(engine: WhisperRecognizer) -> None:
    threads, process = threading.active_count(), psutil.Process()
    await recognise(engine)
    gc.collect()
    before = process.memory_info().rss
    for _ in range(6):
        await recognise(engine)
    gc.collect()
    assert threading.active_count() <= threads + 1
    assert process.memory_info().rss - before < 30_000_000
    from voice.engines.whisper_utterance import WhisperUtterance

    await asyncio.sleep(0.05)
    gc.collect()
    assert not [thing for thing in gc.get_objects() if isinstance(thing, WhisperUtterance)]


async def test_a_full_queue_leaves_partials_out_and_says_so_for_finals(models: Path) -> None:
    engine = engine_of(models, longest_queue=1)
    gate, working = threading.Event(), threading.Event()

    def block() -> None:
        working.set()
        gate.wait(10)

    engine.workers.submit("hog", block, urgent=False)
    assert await asyncio.to_thread(working.wait, 5)
    first = engine.session(8000).begin()
    first.feed(SPEECH)
    second = engine.session(8000).begin()
    second.feed(SPEECH)
    assert engine.workers.waiting == 2
    finishing = asyncio.create_task(second.finish())
    await asyncio.sleep(0)
    third = engine.session(8000).begin()
    third.feed(SPEECH)
    with pytest.raises(EngineBusyError, match="wait for whisper already"):
        await third.finish()
    gate.set()
    assert (await finishing).text == SAYS
    assert (await first.finish()).text == SAYS
    engine.close()


async def test_a_model_that_fails_is_asked_again_and_then_given_up(
    models: Path,
) -> None:
    engine = engine_of(models)
    model = await asyncio.to_thread(engine.model)
    decode, failures = model.decode, [1]

    def failing(*args: object, **options: object) -> object:
        if failures:
            failures.pop()
            raise EngineError("Whisper failed: out of memory", retryable=True)
        return decode(*args, **options)  # type: ignore[arg-type]

    model.decode = failing  # type: ignore[method-assign,assignment]
    assert (await recognise(engine)).text == SAYS
    failures += [1] * 20
    with pytest.raises(EngineError, match="out of memory"):
        await recognise(engine)
    engine.close()


async def test_odd_audio_is_refused_and_tiny_audio_is_nothing(engine: WhisperRecognizer) -> None:
    utterance = engine.session(8000).begin()
    with pytest.raises(ValueError, match="even number"):
        utterance.feed(b"\x00")
    utterance.cancel()
    assert (await recognise(engine, b"")).text == ""
    assert (await recognise(engine, b"\x00\x00")).text == ""
    loud = (8000 * np.sin(np.arange(400) / 5)).astype(np.int16).tobytes()
    assert (await recognise(engine, loud)).audio_ms == pytest.approx(50, abs=10)


async def test_audio_beyond_the_longest_utterance_is_dropped(engine: WhisperRecognizer) -> None:
    transcript = await recognise(engine, SPEECH * 12)
    assert transcript.audio_ms == pytest.approx(28_000, abs=20)


def test_it_is_a_speech_recognizer(engine: WhisperRecognizer) -> None:
    assert isinstance(engine, SpeechRecognizer)
    with pytest.raises(ValueError, match="sample_rate"):
        engine.session(4000)


# The choice


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (("gigantic", "cpu", ""), r"unknown Whisper model 'gigantic'; known: tiny\.en, tiny"),
        (("large-v3", "cpu", ""), r"run `manage.py fetch_models --whisper large-v3`"),
        (("/nowhere/at/all", "cpu", ""), "WHISPER_MODEL names /nowhere/at/all"),
        (("tiny", "abacus", ""), "unknown WHISPER_DEVICE 'abacus'; known: auto, cpu, cuda"),
        (("tiny", "cuda", ""), "no CUDA device is visible"),
        (("tiny", "cpu", "int3"), r"WHISPER_COMPUTE_TYPE 'int3'; it can in: .*int8"),
    ],
)
def test_a_wrong_choice_is_answered_with_what_is_wrong(
    models: Path, choice: tuple[str, str, str], message: str
) -> None:
    model, device, compute = choice
    with pytest.raises(EngineError, match=message):
        WhisperRecognizer(WhisperChoice(model, models, device, compute)).preload()


def test_a_broken_model_is_an_error_that_names_its_folder(models: Path, tmp_path: Path) -> None:
    make_whisper(tmp_path / "broken")
    (tmp_path / "broken" / "model.bin").write_bytes(b"not a model")
    with pytest.raises(EngineError, match="broken cannot be loaded"):
        WhisperRecognizer(WhisperChoice(str(tmp_path / "broken"), models)).preload()


def test_the_processor_calculates_in_whole_numbers(engine: WhisperRecognizer) -> None:
    assert (engine.model().device, engine.model().compute_type) == ("cpu", "int8")


# In the pipeline


async def test_the_service_pushes_partials_and_then_one_final(engine: WhisperRecognizer) -> None:
    frames: list[Frame] = [VADUserStartedSpeakingFrame(start_secs=0.2), SleepFrame(sleep=0.01)]
    for at in range(0, len(SPEECH), CHUNK):
        frames += [InputAudioRawFrame(SPEECH[at : at + CHUNK], 8000, 1), SleepFrame(sleep=0.005)]
    frames += [VADUserStoppedSpeakingFrame(stop_secs=0.2)]
    finals: list[Transcript] = []
    down, _ = await run_test(
        StreamingSTTService(engine, on_final=finals.append),
        frames_to_send=frames,
        pipeline_params=PipelineParams(audio_in_sample_rate=8000, audio_out_sample_rate=8000),
    )
    kinds = [type(frame) for frame in down]
    (final,) = [frame for frame in down if isinstance(frame, TranscriptionFrame)]
    assert final.text == SAYS == finals[0].text
    assert kinds.index(InterimTranscriptionFrame) < kinds.index(TranscriptionFrame)


async def test_calls_at_once_are_all_heard(engine: WhisperRecognizer) -> None:
    heard: dict[int, list[Partial]] = {n: [] for n in range(6)}

    async def caller(number: int) -> Transcript:
        utterance = engine.session(8000).begin(heard[number].append)
        for at in range(0, len(SPEECH), CHUNK):
            utterance.feed(SPEECH[at : at + CHUNK])
            await asyncio.sleep(0.01)
        return await utterance.finish()

    transcripts = await asyncio.gather(*map(caller, heard))
    assert {transcript.text for transcript in transcripts} == {SAYS}
    assert all(heard.values())
    assert engine.workers.waiting == 0
