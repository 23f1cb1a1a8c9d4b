"""The engine of ONNX Runtime."""

from __future__ import annotations

import os
from types import ModuleType

import numpy as np
import torch

from .graph import GraphEngine, Runner


class OnnxEngine(GraphEngine):
    """Computes in float32 by ONNX Runtime; one session for every size."""

    name = "onnx"

    def load(self, graph: bytes, at_a_time: int) -> Runner:
        return _OnnxRunner(graph, torch.get_num_threads() // at_a_time)


def import_onnxruntime() -> ModuleType:
    """Return the package, without the telemetry by which it reports from its import on."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime


class _OnnxRunner(Runner):
    def __init__(self, graph: bytes, threads: int) -> None:
        onnxruntime = import_onnxruntime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Idle threads yield, for the sake of what else is running.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"]
        )

    def run(self, frame: np.ndarray, style: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        inputs = {"frame": frame, "style": style, "alpha": alpha}
        return self._session.run(["stylized"], inputs)[0]
