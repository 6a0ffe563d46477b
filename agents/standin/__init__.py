"""A stand-in for Ollama: its HTTP API on a real socket, with settable pace and faults.

For tests, benchmarks and machines without a model. It knows nothing of language: it repeats the
line of its instructions that shares most words with the question, or says what it was told to.
Nothing of the product depends on it.
"""
