"""The engine of OpenVINO."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from functools import cached_property
from itertools import compress
from queue import SimpleQueue
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from ..networks import StyleNetwork
from .base import PerSize
from .graph import GraphEngine, Runner, export_onnx
from .kept_quantizers import kept_quantizers
from .processor import gains_by_bfloat16, is_x86, native_dtype
from .quantization import LEAST_ALPHA

if TYPE_CHECKING:
    from openvino import InferRequest, Model

_PRECISIONS = {torch.float32: "f32", torch.bfloat16: "bf16"}
_CPU = torch.device("cpu")


class OpenVinoEngine(GraphEngine):
    """Computes in float32 or bfloat16 by OpenVINO, compiled anew for every size; or from a strength
    of `LEAST_ALPHA` on in integers of eight bits, and what is better not rounded in one of
    those."""

    name = "openvino"
    dtypes = (*_PRECISIONS, torch.int8)

    def best_dtype(self, network: StyleNetwork) -> torch.dtype:
        native = native_dtype(_CPU, network)
        if native != torch.float32 or not network.supports_int8:
            return native
        # Next to float32 integers gain so much that a little more flicker is worth it; on other
        # processors than x86 nobody has measured that.
        return torch.int8 if is_x86() else native

    def load(self, graph: bytes, at_a_time: int) -> Runner:
        if self.dtype != torch.int8:
            return _OpenVinoRunner([_Graph(graph, self.dtype)], at_a_time)
        beside_integers = torch.bfloat16 if gains_by_bfloat16() else torch.float32
        graphs = [
            _Graph(self._quantized_graph, beside_integers, LEAST_ALPHA),
            _Graph(graph, native_dtype(_CPU, self.network)),
        ]
        return _OpenVinoRunner(graphs, at_a_time)

    @cached_property
    def _quantized_graph(self) -> bytes:
        return export_onnx(self.network, kept_quantizers(self.network))


def _import_openvino() -> ModuleType:
    """Return the package, without the telemetry that it would report every import by."""
    sys.modules.setdefault("openvino_telemetry", None)  # importing it fails; it is optional
    import openvino

    return openvino


def _forget_signal_stack() -> None:
    """Let signals be handled on the thread's own stack again.

    Compiling can leave an alternate one behind that is freed: the next Ctrl-C would crash there.
    """
    if sys.platform != "linux":
        return

    class SignalStack(ctypes.Structure):
        _fields_ = [
            ("address", ctypes.c_void_p),
            ("flags", ctypes.c_int),
            ("size", ctypes.c_size_t),
        ]

    disabled = SignalStack(None, 2, 0)  # SS_DISABLE
    ctypes.CDLL(None).sigaltstack(ctypes.byref(disabled), None)


class _Graph(NamedTuple):
    """A graph, the dtype of its floating-point part, and from which strength on it is right."""

    onnx: bytes
    dtype: torch.dtype
    least_alpha: float = 0.0


class _OpenVinoRunner(Runner):
    """Runs the first of several graphs that is right for a strength; the last is for all."""

    def __init__(self, graphs: Sequence[_Graph], at_a_time: int) -> None:
        core = _import_openvino().Core()
        models = [core.read_model(graph.onnx) for graph in graphs]
        self._least_alphas = [graph.least_alpha for graph in graphs]
        properties = {
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),  # workers have fewer
            "PERFORMANCE_HINT": "LATENCY",
        }
        if at_a_time > 1:
            properties |= {"PERFORMANCE_HINT": "THROUGHPUT", "NUM_STREAMS": at_a_time}

        def compile_model(model: Model, dtype: torch.dtype) -> SimpleQueue[InferRequest]:
            precision = {"INFERENCE_PRECISION_HINT": _PRECISIONS[dtype]}
            compiled = core.compile_model(model, "CPU", properties | precision)
            _forget_signal_stack()
            requests = SimpleQueue()
            for _ in range(at_a_time):
                requests.put(compiled.create_infer_request())
            return requests

        def compile_for(size_hw: tuple[int, int]) -> list[SimpleQueue[InferRequest]]:
            requests = []
            for model, graph in zip(models, graphs, strict=True):
                sized = model.clone()
                sized.reshape({"frame": [*size_hw, 3]})
                requests.append(compile_model(sized, graph.dtype))
            return requests

        self._requests = PerSize(compile_for)

    def prepare(self, size_hw: tuple[int, int]) -> None:
        self._requests.get(size_hw)

    def is_prepared(self, size_hw: tuple[int, int]) -> bool:
        return size_hw in self._requests

    def run(self, frame: np.ndarray, style: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        of_each_graph = self._requests.get(frame.shape[:2])
        fitting = (least <= alpha for least in self._least_alphas)
        requests = next(compress(of_each_graph, fitting))
        request = requests.get()
        try:
            request.infer({"frame": frame, "style": style, "alpha": alpha}, share_inputs=True)
            return request.get_output_tensor().data.copy()
        finally:
            requests.put(request)
