"""Precision of the networks: float32 by default, bfloat16 on request. docs/speed.md gives the difference in the mel."""

import torch

from ..errors import InputError


def bf16_is_fast(device: torch.device) -> bool:
    """Whether the hardware multiplies bfloat16; emulated, bf16 is many times slower than fp32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and (torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())


def choose_precision(asked: str, device: torch.device) -> torch.dtype:
    """ "fp32", "bf16", or "auto" (bf16 where the hardware has it) -> dtype. Raises InputError for anything else."""
    if asked not in ("auto", "fp32", "bf16"):
        raise InputError("The precision is auto, fp32 or bf16, not {given!r}.", given=asked)
    return torch.bfloat16 if asked == "bf16" or (asked == "auto" and bf16_is_fast(device)) else torch.float32
