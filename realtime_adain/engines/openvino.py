"""The engine of OpenVINO."""

from __future__ import annotations

from queue import SimpleQueue
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..networks import StyleNetwork
from .base import PerSize
from .graph import GraphEngine, Runner
from .processor import native_dtype

if TYPE_CHECKING:
    from openvino import InferRequest

_PRECISIONS = {torch.float32: "f32", torch.bfloat16: "bf16"}


class OpenVinoEngine(GraphEngine):
    """Computes in float32 or bfloat16 by OpenVINO, compiled anew for every size."""

    name = "openvino"
    dtypes = tuple(_PRECISIONS)

    def best_dtype(self, network: StyleNetwork) -> torch.dtype:
        return native_dtype(torch.device("cpu"), network)

    def load(self, graph: bytes, at_a_time: int) -> Runner:
        return _OpenVinoRunner(graph, _PRECISIONS[self.dtype], at_a_time)


class _OpenVinoRunner(Runner):
    def __init__(self, graph: bytes, precision: str, at_a_time: int) -> None:
        import openvino

        core = openvino.Core()
        model = core.read_model(graph)
        properties = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "PERFORMANCE_HINT": "LATENCY",
        }
        if at_a_time > 1:
            properties |= {"PERFORMANCE_HINT": "THROUGHPUT", "NUM_STREAMS": at_a_time}

        def compile_for(size_hw: tuple[int, int]) -> SimpleQueue[InferRequest]:
            sized = model.clone()
            sized.reshape({"frame": [*size_hw, 3]})
            compiled = core.compile_model(sized, "CPU", properties)
            requests = SimpleQueue()
            for _ in range(at_a_time):
                requests.put(compiled.create_infer_request())
            return requests

        self._requests = PerSize(compile_for)

    def prepare(self, size_hw: tuple[int, int]) -> None:
        self._requests.get(size_hw)

    def is_prepared(self, size_hw: tuple[int, int]) -> bool:
        return size_hw in self._requests

    def run(self, frame: np.ndarray, style: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        requests = self._requests.get(frame.shape[:2])
        request = requests.get()
        try:
            request.infer({"frame": frame, "style": style, "alpha": alpha}, share_inputs=True)
            return request.get_output_tensor().data.copy()
        finally:
            requests.put(request)
