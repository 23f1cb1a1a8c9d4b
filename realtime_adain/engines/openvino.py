"""The engine of OpenVINO."""

from __future__ import annotations

from functools import cached_property
from queue import SimpleQueue
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..networks import StyleNetwork
from .base import PerSize
from .graph import GraphEngine, Runner, export_onnx
from .processor import has_bfloat16, is_x86, native_dtype
from .rounding import LEAST_STRENGTH, measure_grids

if TYPE_CHECKING:
    from openvino import InferRequest

_PRECISIONS = {torch.float32: "f32", torch.bfloat16: "bf16"}


class OpenVinoEngine(GraphEngine):
    """Computes in float32 or bfloat16 by OpenVINO, compiled anew for every size; or in integers of
    eight bits, and what is better not rounded in one of those."""

    name = "openvino"
    dtypes = (*_PRECISIONS, torch.int8)

    def best_dtype(self, network: StyleNetwork) -> torch.dtype:
        native = native_dtype(torch.device("cpu"), network)
        if native != torch.float32 or not network.paints_in_eight_bits:
            return native
        # Next to float32 integers gain so much that a little more flicker is worth it; on other
        # processors than x86 nobody has measured that.
        return torch.int8 if is_x86() else native

    def load(self, graph: bytes, at_a_time: int) -> Runner:
        if self.dtype != torch.int8:
            return _OpenVinoRunner(graph, _PRECISIONS[self.dtype], at_a_time)
        precision = _PRECISIONS[torch.bfloat16 if has_bfloat16() else torch.float32]
        return _RunnerByStrength(
            _OpenVinoRunner(self._rounded_graph, precision, at_a_time),
            _OpenVinoRunner(graph, precision, at_a_time),
        )

    @cached_property
    def _rounded_graph(self) -> bytes:
        return export_onnx(self.network, measure_grids(self.network))


class _RunnerByStrength(Runner):
    """The rounded graph for the strengths that it is made for, the exact one for those below."""

    def __init__(self, rounded: Runner, exact: Runner) -> None:
        self._rounded, self._exact = rounded, exact

    def prepare(self, size_hw: tuple[int, int]) -> None:
        self._rounded.prepare(size_hw)
        self._exact.prepare(size_hw)

    def is_prepared(self, size_hw: tuple[int, int]) -> bool:
        return self._rounded.is_prepared(size_hw) and self._exact.is_prepared(size_hw)

    def run(self, frame: np.ndarray, style: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        runner = self._rounded if alpha >= LEAST_STRENGTH else self._exact
        return runner.run(frame, style, alpha)


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
