"""The engine of OpenVINO."""

from __future__ import annotations

import numpy as np
import torch

from ..networks import StyleNetwork
from ..tensors import padded_side
from .base import PerSize
from .graph import GraphEngine
from .processor import native_dtype

_PRECISIONS = {torch.float32: "f32", torch.bfloat16: "bf16"}


class OpenVinoEngine(GraphEngine):
    """Computes in float32 or bfloat16 by OpenVINO, compiled anew for every size."""

    name = "openvino"
    dtypes = tuple(_PRECISIONS)

    def best_dtype(self, network: StyleNetwork) -> torch.dtype:
        return native_dtype(torch.device("cpu"), network)

    def load(self, graph: bytes) -> None:
        import openvino

        core = openvino.Core()
        model = core.read_model(graph)
        properties = {
            "INFERENCE_PRECISION_HINT": _PRECISIONS[self.dtype],
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "PERFORMANCE_HINT": "LATENCY",
        }

        def compile_for(size_hw: tuple[int, int]) -> openvino.InferRequest:
            sized = model.clone()
            sized.reshape({"frame": [*size_hw, 3]})
            return core.compile_model(sized, "CPU", properties).create_infer_request()

        self._requests = PerSize(compile_for)

    def prepare(self, size_hw: tuple[int, int]) -> None:
        with self._errors_named():
            self._requests.get(self._padded(size_hw))

    def is_prepared(self, size_hw: tuple[int, int]) -> bool:
        return self._padded(size_hw) in self._requests

    def _padded(self, size_hw: tuple[int, int]) -> tuple[int, int]:
        height, width = (padded_side(side, self.network.stride) for side in size_hw)
        return height, width

    def run(self, frame: np.ndarray, style: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        request = self._requests.get(frame.shape[:2])
        request.infer({"frame": frame, "style": style, "alpha": alpha}, share_inputs=True)
        return request.get_output_tensor().data
