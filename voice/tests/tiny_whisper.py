"""A real Whisper in CTranslate2's format, a few hundred kilobytes, that says what a test wants.

The layers, the vocabulary's layout and the files are those of a converted Whisper; the encoder's
weights are random. The decoder's are chosen: its attention adds nothing, its positions are
one-hot, so the projection can name the token for every place in the text, whatever the sound.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs.whisper_spec import WhisperSpec
from faster_whisper.tokenizer import _LANGUAGE_CODES
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

WIDTH = 64
HEADS = 2
MELS = 80
ENCODER_POSITIONS = 1500
LONGEST_TEXT = 448
LANGUAGES = [code for code in _LANGUAGE_CODES if code != "yue"]  # which only large-v3 knows
PROMPT = 4
"""Start, language, task, no timestamps: the text begins after it."""
WORDS = 50257
"""Tokens before the special ones in a multilingual Whisper; one less in an English one."""


def tokenizer(multilingual: bool) -> tuple[Tokenizer, list[str]]:
    """Return a byte-level tokenizer with hardly a merge, and the whole vocabulary in order."""
    words = sorted(pre_tokenizers.ByteLevel.alphabet())
    words += [f"unused{n}" for n in range(WORDS - 1 - len(words))]
    if multilingual:
        words.append("")  # by which CTranslate2 tells the two kinds of Whisper apart
    # Whisper never writes " -", " '" and " ♪": faster-whisper bars the first token of each, which
    # must not be the space.
    merges = [("Ġ", "-"), ("Ġ", "'"), ("Ġ", "â")]
    words[-len(merges) - 1 : -1] = ["".join(pair) for pair in merges]
    made = Tokenizer(models.BPE({word: n for n, word in enumerate(words)}, merges))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    specials = ["<|endoftext|>", "<|startoftranscript|>"]
    specials += [f"<|{code}|>" for code in LANGUAGES]
    specials += ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>"]
    specials += ["<|nospeech|>", "<|notimestamps|>"]
    made.add_special_tokens([AddedToken(name, special=True) for name in specials])
    tokens = words + specials + [f"<|{n * 0.02:.2f}|>" for n in range(1501)]
    return made, tokens


def make_whisper(
    folder: Path,
    text: str = " hello there",
    *,
    language: str = "en",
    sureness: float = 3.0,
    no_speech: bool = False,
    multilingual: bool = True,
    layers: int = 1,
) -> Path:
    """Write a model that recognises `text` in everything.

    Args:
        folder: Where to; made if missing.
        text: What it says; begins with a space, as Whisper's texts do.
        language: What it detects.
        sureness: How much likelier than all others its tokens are: 3 is sure, 0.5 doubtful.
        no_speech: Whether it says that there is no speech.
        multilingual: Or English only.
        layers: Of the encoder; each takes time, as the random attention is really computed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made, tokens = tokenizer(multilingual)
    chance = np.random.default_rng(7)
    spec = WhisperSpec(layers, HEADS, 1, HEADS)
    _fill_encoder(spec.encoder, chance)
    ids = {token: n for n, token in enumerate(tokens)}
    prompt = PROMPT if multilingual else 2
    spoken = [*made.encode(text).ids, ids["<|endoftext|>"]]
    at_position: dict[int, list[int]] = {prompt - 1 + n: [token] for n, token in enumerate(spoken)}
    at_position[0] = [ids[f"<|{language}|>"]]
    if no_speech:
        at_position[0].append(ids["<|nospeech|>"])
    _fill_decoder(spec.decoder, len(tokens), at_position, sureness)
    spec.register_vocabulary(tokens)
    spec.config.lang_ids = [ids[f"<|{code}|>"] for code in LANGUAGES]
    spec.config.alignment_heads = [(0, 0), (0, 1)]
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [ids["<|endoftext|>"]]
    spec.validate()
    spec.optimize(quantization="int8")
    spec.save(str(folder))
    made.save(str(folder / "tokenizer.json"))
    preprocessor = {"feature_size": MELS, "sampling_rate": 16000, "hop_length": 160, "n_fft": 400}
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    return folder


def _norm(spec: Any) -> None:
    spec.gamma, spec.beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)


def _linear(spec: Any, rows: int, columns: int, chance: np.random.Generator | None) -> None:
    shape = (rows, columns)
    weight = np.zeros(shape) if chance is None else chance.normal(0, 0.1, shape)
    spec.weight, spec.bias = weight.astype(np.float32), np.zeros(rows, np.float32)


def _attention(spec: Any, sizes: Sequence[int], chance: np.random.Generator | None) -> None:
    _norm(spec.layer_norm)
    for linear, times in zip(spec.linear, sizes, strict=True):
        _linear(linear, WIDTH * times, WIDTH, chance)


def _feed_forward(spec: Any, chance: np.random.Generator | None) -> None:
    _norm(spec.layer_norm)
    _linear(spec.linear_0, WIDTH * 2, WIDTH, chance)
    _linear(spec.linear_1, WIDTH, WIDTH * 2, chance)


def _fill_encoder(spec: Any, chance: np.random.Generator) -> None:
    for conv, channels in ((spec.conv1, MELS), (spec.conv2, WIDTH)):
        conv.weight = chance.normal(0, 0.1, (WIDTH, channels, 3)).astype(np.float32)
        conv.bias = np.zeros(WIDTH, np.float32)
    spec.position_encodings.encodings = chance.normal(0, 0.1, (ENCODER_POSITIONS, WIDTH)).astype(
        np.float32
    )
    _norm(spec.layer_norm)
    for layer in spec.layer:
        _attention(layer.self_attention, (3, 1), chance)
        _feed_forward(layer.ffn, chance)


def _fill_decoder(
    spec: Any, tokens: int, at_position: dict[int, list[int]], sureness: float
) -> None:
    spec.embeddings.weight = np.zeros((tokens, WIDTH), np.float32)
    positions = np.zeros((LONGEST_TEXT, WIDTH), np.float32)
    positions[np.arange(LONGEST_TEXT), np.minimum(np.arange(LONGEST_TEXT), WIDTH - 1)] = 1
    spec.position_encodings.encodings = positions
    _norm(spec.layer_norm)
    for layer in spec.layer:
        _attention(layer.self_attention, (3, 1), None)
        _attention(layer.attention, (1, 2, 1), None)
        _feed_forward(layer.ffn, None)
    projection = np.zeros((tokens, WIDTH), np.float32)
    for position, wanted in at_position.items():
        projection[wanted, position] = sureness
    spec.projection.weight = projection
    spec.projection.bias = np.zeros(tokens, np.float32)
