"""The engines: one network, several ways to compute it, the same picture from each.

| engine     | runs on               | arithmetic                                            |
|------------|-----------------------|-------------------------------------------------------|
| `torch`    | every device          | any; on CUDA one captured graph per frame size        |
| `openvino` | the processor         | float32, bfloat16 or int8; package `openvino`         |
| `onnx`     | the processor         | float32; package `onnxruntime`                        |
| `auto`     | every device          | the fastest of those installed, by measurement        |

Nothing heavy is imported before an engine is opened.
"""

from __future__ import annotations

from .registry import ENGINES, PRECISIONS, installed_engines, missing_packages, open_engine

__all__ = ["ENGINES", "PRECISIONS", "installed_engines", "missing_packages", "open_engine"]
