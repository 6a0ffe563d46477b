"""A telephone company on this machine: Twilio's interfaces, with simulated people on the line.

It plays an outside company, so it imports nothing from the rest of the product and is reached only
over sockets: REST (`rest`), signed webhooks (`webhooks`), TwiML (`twiml`, `verbs`) and Media
Streams (`media_stream`). The people called are data: `personas/*.toml` and `voices/clips/*.wav`.
"""

from calls.simulator.fast import Fast
from calls.simulator.faults import Faults
from calls.simulator.server import CarrierSimulator

__all__ = ["CarrierSimulator", "Fast", "Faults"]
