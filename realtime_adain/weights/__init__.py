"""Weights: the shipped ones, those of the whole field, and teachers for training."""

from __future__ import annotations

from .fetched import FETCHED_MODEL, fetch, fetched_teacher
from .files import SHA256, load_model, load_network, save_network
from .published import load_checkpoint, load_teacher

__all__ = [
    "FETCHED_MODEL",
    "SHA256",
    "fetch",
    "fetched_teacher",
    "load_checkpoint",
    "load_model",
    "load_network",
    "load_teacher",
    "save_network",
]
