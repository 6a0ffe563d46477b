"""A real, tiny Piper voice: the model's true inputs and outputs, with a hum for a throat."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SAMPLE_RATE = 22050
SAMPLES_PER_SYMBOL = 900
_TABLE = 200


def write_voice(folder: Path, name: str = "tiny") -> Path:
    """Write a voice whose every symbol is a hum of its own pitch; return the .onnx path."""
    path = folder / f"{name}.onnx"
    time = np.arange(SAMPLES_PER_SYMBOL) / SAMPLE_RATE
    pitches = 120 + 3 * np.arange(_TABLE)[:, None]
    table = (0.4 * np.sin(2 * np.pi * pitches * time)).astype(np.float32)
    nodes = [
        helper.make_node("Gather", ["sounds", "input"], ["hums"], axis=0),
        helper.make_node("Reshape", ["hums", "shape"], ["plain"]),
        # Lengths and scales are part of the interface: they have to be used to stay in the model.
        helper.make_node("Cast", ["input_lengths"], ["lengths"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["lengths"], ["length"], keepdims=0),
        helper.make_node("ReduceSum", ["scales"], ["scale"], keepdims=0),
        helper.make_node("Mul", ["length", "zero"], ["nothing"]),
        helper.make_node("Mul", ["scale", "zero"], ["nothing_more"]),
        helper.make_node("Add", ["plain", "nothing"], ["sum"]),
        helper.make_node("Add", ["sum", "nothing_more"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny_voice",
        [
            helper.make_tensor_value_info("input", TensorProto.INT64, ["batch", "symbols"]),
            helper.make_tensor_value_info("input_lengths", TensorProto.INT64, ["batch"]),
            helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
        ],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", 1, 1, "time"])],
        [
            numpy_helper.from_array(table, "sounds"),
            numpy_helper.from_array(np.array([1, 1, 1, -1], dtype=np.int64), "shape"),
            numpy_helper.from_array(np.array(0.0, dtype=np.float32), "zero"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    symbols = "_^$ .,?!abcdefghijklmnopqrstuvwxyzæɐɑɒɔəɚɛɜɡɪɹɾʃʊʌʒʔˈˌːθðŋᵻ"
    path.with_name(path.name + ".json").write_text(
        json.dumps(
            {
                "audio": {"sample_rate": SAMPLE_RATE},
                "espeak": {"voice": "en-us"},
                "inference": {"noise_scale": 0.0, "length_scale": 1.0, "noise_w": 0.0},
                "num_symbols": _TABLE,
                "num_speakers": 1,
                "phoneme_type": "espeak",
                "phoneme_id_map": {symbol: [at] for at, symbol in enumerate(symbols)},
            }
        ),
        encoding="utf-8",
    )
    return path
