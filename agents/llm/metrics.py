"""What the process tells Prometheus about language models. `link` is "ollama-1", "cloud", …"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("llm_requests", "Requests, by how they ended.", ["link", "outcome"])
FIRST_TOKEN = Histogram(
    "llm_first_token_seconds",
    "From the request to its first token, the wait for a free place included.",
    ["link"],
    buckets=(0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2, 2.0, 5.0),
)
TOKEN_RATE = Histogram(
    "llm_tokens_per_second",
    "Tokens written per second, after the first.",
    ["link"],
    buckets=(5, 10, 20, 30, 40, 60, 80, 120, 200),
)
TOKENS = Counter("llm_tokens", "Tokens read and written.", ["link", "direction"])
FALLBACKS = Counter(
    "llm_fallbacks", "The next one in the chain was asked, or the playbook spoke.", ["link", "why"]
)
BREAKER = Gauge("llm_breaker_open", "1 while a host is not asked because it failed.", ["link"])
QUEUE_DEPTH = Gauge("llm_queue_depth", "Requests that wait for a host.", ["link"])
QUEUE_WAIT = Histogram(
    "llm_queue_wait_seconds",
    "How long requests waited for a host.",
    ["link"],
    buckets=(0.001, 0.01, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0),
)
CACHE = Counter("llm_cache", "Answers looked for in the cache.", ["result"])
REPLACED = Counter("llm_output_replaced", "Clauses that were not spoken, by why.", ["why"])
LOADED = Gauge("llm_model_loaded", "1 while a host has the model in memory.", ["link"])
