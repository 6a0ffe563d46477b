"""How long a caller waits for an answer that the playbook does not have: the model has to be asked.

    python -m benchmarks.model_latency [--calls 1] [--no-peer] [--no-product] [--rounds 3]
                                       [--first-token-ms 150] [--tokens-per-second 40]
                                       [--seconds 75] [--keep FOLDER]

A, voice-to-voice, as in `benchmarks.latency`, counted only after the caller's questions. Every
system asks the same stand-in for Ollama (150 ms to the first token, 40 tokens a second), which
repeats what it was told of the matter. Answers are not cached, and words that only bridge the
silence count as no answer. Prints one JSON line; progress goes to stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

from benchmarks import latency, systems
from benchmarks.exchange import Exchange, Measured
from benchmarks.gaps import Gap
from reauto_site.demo.servers import Servers, port_take

CAST = ("curious_seller",)
MODEL = "llama3.1:8b"
FACTS = (
    "We have been in business here for twenty years.",
    "A photographer takes photographs of every house that we sell.",
    "Our agents also work on the weekend.",
    "Our office helps with all of the paperwork.",
    "Twelve people work in our office.",
)
"""What the model may say: the answers to what the persona asks, which no rule knows."""


def options_read() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--calls", type=int, nargs="+", default=[1], help="calls at once (default: 1)")
    add("--peer", action=argparse.BooleanOptionalAction, default=True, help="the stock bot too")
    add("--product", action=argparse.BooleanOptionalAction, default=True, help="the product too")
    add("--first-token-ms", type=float, default=150.0)
    add("--tokens-per-second", type=float, default=40.0)
    add("--seconds", type=float, default=75.0, help="longest call (default: %(default)s)")
    add("--rounds", type=int, default=3, help="rounds of calls (default: %(default)s)")
    add("--keep", type=Path, help="folder to keep recordings and logs in")
    options = parser.parse_args()
    if min(options.calls) < 1 or options.seconds < 20 or options.rounds < 1:
        parser.error("--calls and --rounds must be 1 or more, --seconds 20 or more")
    if options.tokens_per_second <= 0 or options.first_token_ms < 0:
        parser.error("--tokens-per-second must be more than 0, --first-token-ms not less than 0")
    return options


def standin_start(servers: Servers, options: argparse.Namespace, *, port: int) -> str:
    """Start the stand-in for Ollama and return its address."""
    url = f"http://127.0.0.1:{port}"
    servers.start(
        "ollama",
        [
            "manage.py", "ollama_standin", "--port", str(port), "--model", MODEL,
            "--first-token-ms", str(options.first_token_ms),
            "--tokens-per-second", str(options.tokens_per_second),
        ],
        ready_url=url,
    )  # fmt: skip
    return url


def playbook_taught() -> None:
    """Teach the shipped playbook what the persona asks: facts that no trigger leads to."""
    from agents.models import Playbook
    from agents.playbook import Script
    from agents.selectors import playbook_version_current
    from agents.services.playbooks import playbook_publish, playbooks_seed

    playbooks_seed()
    playbook = Playbook.objects.filter(lead_kind="seller").order_by("created_at").first()
    version = playbook_version_current(playbook.id) if playbook else None
    if playbook is None or version is None:
        raise SystemExit("There is no seller playbook.")
    script = Script.checked(version.script).model_dump(mode="json")
    known = [{"key": f"told_{n}", "triggers": [], "answer": [f]} for n, f in enumerate(FACTS)]
    script["facts"] = [*script["facts"], *known]
    playbook_publish(playbook_id=playbook.id, script=script, note="For the benchmark.")


def questions(call: Measured) -> list[Gap]:
    """Return the gaps after what the caller asked."""
    return call.gaps_after("?")


def main() -> None:
    """Run the benchmark."""
    options = options_read()
    began = time.monotonic()
    result: dict[str, Any] = {
        "benchmark": "model_latency",
        "machine": latency.machine(),
        "model": {
            "first_token_ms": options.first_token_ms,
            "tokens_per_second": options.tokens_per_second,
        },
    }
    with latency.folder_of(options.keep) as folder:
        ports = {name: port_take(0, what=name, option="") for name in ("server", "carrier", "llm")}
        environment = systems.environment(
            folder, port=ports["server"], carrier_port=ports["carrier"]
        ) | {
            "OLLAMA_HOST": f"http://127.0.0.1:{ports['llm']}",
            "OLLAMA_MODEL": MODEL,
            "LLM_CACHE_ENTRIES": "0",
            "LLM_AFTERCALL_SECONDS": "0",
        }
        os.environ |= environment  # before any settings are read
        latency.prepare()
        playbook_taught()
        with Servers(environment=environment, log_dir=folder / "logs") as measuring:
            exchange = systems.carrier_start(measuring, port=ports["carrier"])
            llm_url = standin_start(measuring, options, port=ports["llm"])
            for at_once in options.calls:
                for name in ("product", "stock_pipecat"):
                    if not (options.product if name == "product" else options.peer):
                        continue
                    with Servers(environment=environment, log_dir=folder / "logs") as servers:
                        system = _system(
                            name, servers, exchange, folder, port=ports["server"], llm_url=llm_url
                        )
                        figures, measured = latency.system_measure(
                            system, at_once=at_once, options=options, cast=CAST, which=questions
                        )
                    result.setdefault(name, {})[str(at_once)] = figures
                    if options.keep:
                        latency.keep(folder, f"{name}_{at_once}", measured)
    result["elapsed_s"] = round(time.monotonic() - began, 1)
    print(json.dumps(result))


def _system(
    name: str, servers: Servers, exchange: Exchange, folder: Path, *, port: int, llm_url: str
) -> systems.System:
    if name == "product":
        return systems.Product(servers, exchange, port=port)
    knows = "You are a real estate assistant on the telephone. Answer in one sentence.\n"
    knows += "\n".join(f"- {fact}" for fact in FACTS)
    more = ("--llm-url", f"{llm_url}/v1", "--knows", knows)
    return systems.StockBot(servers, exchange, folder=folder, more=more)


if __name__ == "__main__":
    main()
