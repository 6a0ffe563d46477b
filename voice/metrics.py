"""What the voice process tells Prometheus about its calls."""

from __future__ import annotations

import asyncio
import time

from prometheus_client import Counter, Gauge, Histogram

from voice.strain import Strain

LIVE_CALLS = Gauge("voice_live_calls", "Calls with an open media stream in this process.")
STREAMS_REFUSED = Counter("voice_streams_refused", "Media streams refused.", ["reason"])
SOCKETS_LOST = Counter("voice_sockets_lost", "Sockets of live calls that broke off or fell silent.")
SOCKETS_BACK = Counter("voice_sockets_back", "Live calls that went on with another socket.")
ANSWER_LATENCY = Histogram(
    "voice_answer_latency_seconds",
    "From the lead's last voiced sample to the agent's first.",
    buckets=(0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0),
)
LATE_FRAMES = Counter("voice_late_frames", "Frames sent after the far end had run dry.")
DROPPED_FRAMES = Counter("voice_dropped_frames", "Frames of callers dropped: we were behind.")
LOOP_LAG = Histogram(
    "voice_loop_lag_seconds",
    "How late the event loop wakes.",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0),
)
QUEUE_DEPTH = Gauge(
    "voice_queue_depth", "What waits in the fullest queue of any live call.", ["queue"]
)
STT_FAILURES = Counter("voice_stt_failures", "Utterances that a recogniser broke down on.")
STT_FALLBACKS = Counter(
    "voice_stt_fallbacks", "Utterances for which the recogniser beside it answered.", ["engine"]
)
UNWRITTEN = Counter("voice_records_lost", "Records given up because the database stayed away.")

LAG_PERIOD_S = 0.25

strain = Strain()
"""How this process has been keeping up."""


def answered(latency_s: float) -> None:
    """Count how long a caller waited for an answer."""
    ANSWER_LATENCY.observe(latency_s)
    strain.answered(latency_s)


async def watch_loop() -> None:
    """Measure how late the event loop wakes, until cancelled."""
    while True:
        due = time.monotonic() + LAG_PERIOD_S
        await asyncio.sleep(LAG_PERIOD_S)
        late_s = max(0.0, time.monotonic() - due)
        LOOP_LAG.observe(late_s)
        strain.woke(late_s)
