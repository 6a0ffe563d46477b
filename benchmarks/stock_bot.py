"""A plain Pipecat bot for Twilio on the same engines as ours: the peer of the benchmark.

    python -m benchmarks.stock_bot --port 0 --events FILE [--llm-url http://127.0.0.1:11434/v1]

It is put together as Pipecat's own project template does it for telephony: Silero voice activity
detection, the default turn strategies (Smart Turn), services in a row, one pipeline per call made
when the call connects. The server prints its address when it is ready, and writes one JSON line
per step of an answer to FILE, by Pipecat's own events and clock: among them when the turn was taken
to be over and when the first sound went out.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any, TextIO

from aiohttp import web
from loguru import logger

from benchmarks import starlette_socket

starlette_socket.install()

from pipecat.audio.vad.silero import SileroVADAnalyzer  # noqa: E402
from pipecat.frames.frames import (  # noqa: E402
    Frame,
    LLMRunFrame,
    LLMTextFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    UserStoppedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.observers.base_observer import BaseObserver, FramePushed  # noqa: E402
from pipecat.pipeline.pipeline import Pipeline  # noqa: E402
from pipecat.pipeline.worker import PipelineParams, PipelineWorker  # noqa: E402
from pipecat.processors.aggregators.llm_context import LLMContext  # noqa: E402
from pipecat.processors.aggregators.llm_response_universal import (  # noqa: E402
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.runner.utils import parse_telephony_websocket  # noqa: E402
from pipecat.serializers.twilio import TwilioFrameSerializer  # noqa: E402
from pipecat.services.llm_service import LLMService  # noqa: E402
from pipecat.services.ollama.llm import OLLamaLLMService  # noqa: E402
from pipecat.transports.websocket.fastapi import (  # noqa: E402
    FastAPIWebsocketParams,
    FastAPIWebsocketTransport,
)
from pipecat.workers.runner import WorkerRunner  # noqa: E402

from benchmarks.stock_engines import EspeakTTS, PocketsphinxSTT, ScriptedLLM  # noqa: E402

STEPS: dict[type[Frame], str] = {
    VADUserStoppedSpeakingFrame: "vad_stopped",
    TranscriptionFrame: "transcribed",
    UserStoppedSpeakingFrame: "turn_over",
    LLMTextFrame: "decided",
    TTSAudioRawFrame: "synthesised",
}


PAUSE_MS = 200.0


class Steps(BaseObserver):
    """Writes when each step of an answer happened, in ms of the pipeline's clock.

    Of a run of the same step only the first is written, and of sound only its beginning: the first
    frame that goes out after a pause.
    """

    def __init__(self, call_sid: str, sink: TextIO) -> None:
        super().__init__(observe_every_push=False)
        self._call_sid = call_sid
        self._sink = sink
        self._last = ""
        self._sent_ms = -PAUSE_MS

    async def on_push_frame(self, data: FramePushed) -> None:
        """Write down a step."""
        step = STEPS.get(type(data.frame))
        if step is not None and step != self._last:
            self._last = step
            self._write(step, data.timestamp / 1e6)

    def sent(self, at_ms: float) -> None:
        """Take the moment at which a frame of sound has gone out."""
        if at_ms - self._sent_ms >= PAUSE_MS:
            self._write("sound", at_ms)
        self._sent_ms = at_ms

    def _write(self, step: str, at_ms: float) -> None:
        record = {"call": self._call_sid, "step": step, "at_ms": round(at_ms, 1)}
        self._sink.write(json.dumps(record) + "\n")
        self._sink.flush()


class Server:
    """The TwiML address and the media socket.

    Args:
        events: where steps are written.
        llm_url: an OpenAI-compatible address of Ollama; empty: lines of a script.
        knows: what the model is told.
    """

    def __init__(self, events: TextIO, *, llm_url: str = "", knows: str = "") -> None:
        self._events = events
        self._llm_url = llm_url
        self._knows = knows

    def _llm(self) -> LLMService:
        if not self._llm_url:
            return ScriptedLLM()
        # Pipecat's own service for Ollama, as its documentation sets it up.
        return OLLamaLLMService(
            base_url=self._llm_url,
            settings=OLLamaLLMService.Settings(
                model="llama3.1:8b", system_instruction=self._knows or None
            ),
        )

    async def voice(self, request: web.Request) -> web.Response:
        """Answer a call: connect its sound to the bot."""
        twiml = (
            f'<?xml version="1.0" encoding="UTF-8"?><Response><Connect>'
            f'<Stream url="ws://{request.host}/ws"/></Connect><Pause length="40"/></Response>'
        )
        return web.Response(text=twiml, content_type="application/xml")

    async def media(self, request: web.Request) -> web.WebSocketResponse:
        """Carry one call."""
        accepted = web.WebSocketResponse()
        await accepted.prepare(request)
        taps: list[Any] = []

        def on_sent(message: str) -> None:
            if '"media"' in message:
                for tap in taps:
                    tap()

        socket = starlette_socket.Socket(accepted, on_sent)
        _, call = await parse_telephony_websocket(socket)  # type: ignore[arg-type]
        await self._run_bot(socket, call, taps)
        return accepted

    async def _run_bot(self, socket: starlette_socket.Socket, call: Any, taps: list[Any]) -> None:
        transport = FastAPIWebsocketTransport(
            websocket=socket,  # type: ignore[arg-type]
            params=FastAPIWebsocketParams(
                audio_in_enabled=True,
                audio_out_enabled=True,
                add_wav_header=False,
                serializer=TwilioFrameSerializer(
                    stream_sid=call["stream_id"],
                    call_sid=call["call_id"],
                    account_sid=os.environ["TWILIO_ACCOUNT_SID"],
                    auth_token=os.environ["TWILIO_AUTH_TOKEN"],
                    base_url=os.environ["TWILIO_API_BASE_URL"],
                ),
            ),
        )
        stt, llm, tts = PocketsphinxSTT(), self._llm(), EspeakTTS()
        context = LLMContext()
        user, assistant = LLMContextAggregatorPair(
            context, user_params=LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer())
        )
        pipeline = Pipeline([transport.input(), stt, user, llm, tts, transport.output(), assistant])
        steps = Steps(call["call_id"], self._events)
        taps.append(lambda: steps.sent(transport.output().get_clock().get_time() / 1e6))
        worker = PipelineWorker(
            pipeline,
            params=PipelineParams(
                enable_metrics=True,
                enable_usage_metrics=True,
                audio_in_sample_rate=8000,
                audio_out_sample_rate=8000,
            ),
            observers=[steps],
        )

        @transport.event_handler("on_client_connected")
        async def on_client_connected(transport: Any, client: Any) -> None:
            context.add_message({"role": "developer", "content": "Say hello."})
            await worker.queue_frames([LLMRunFrame()])

        @transport.event_handler("on_client_disconnected")
        async def on_client_disconnected(transport: Any, client: Any) -> None:
            await worker.cancel()

        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)
        await runner.run()


async def serve(port: int, events: TextIO, *, llm_url: str, knows: str) -> None:
    """Serve until cancelled."""
    server = Server(events, llm_url=llm_url, knows=knows)
    app = web.Application()
    app.add_routes(
        [
            web.post("/voice", server.voice),
            web.get("/ws", server.media),
            web.get("/", lambda _: _ready()),
        ]
    )
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


async def _ready() -> web.Response:
    return web.Response(text="ready")


def main() -> None:
    """Run the bot's server."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--events", type=Path, required=True)
    parser.add_argument("--llm-url", default="", help="Ollama's OpenAI-compatible address")
    parser.add_argument("--knows", default="", help="what the model is told")
    options = parser.parse_args()
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    with (
        options.events.open("a", encoding="utf-8") as events,
        contextlib.suppress(KeyboardInterrupt),
    ):
        asyncio.run(serve(options.port, events, llm_url=options.llm_url, knows=options.knows))


if __name__ == "__main__":
    main()
