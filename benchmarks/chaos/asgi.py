"""The product's server with the engines of the fast carrier: `daphne benchmarks.chaos.asgi:…`."""

from __future__ import annotations

from benchmarks.chaos import engines
from reauto_site import choose_settings

choose_settings()

import django  # noqa: E402 - needs the settings

django.setup()

from voice import metrics  # noqa: E402 - needs Django set up
from voice.engines import registry  # noqa: E402

registry.RECOGNIZERS[engines.RECOGNIZER] = engines.LetteredRecognizer  # type: ignore[assignment]
registry.SYNTHESIZERS[engines.SYNTHESIZER] = engines.MomentarySynthesizer
# A server that is behind with its sound takes no more calls. Here nobody listens: let it be behind.
metrics.strain = engines.Unstrained()

from reauto_site.asgi import application  # noqa: E402 - loads the engines

__all__ = ["application"]
