"""The page. The only place that imports Gradio."""

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from .page import Settings, build, launch  # noqa: E402 (the environment comes first)

__all__ = ["Settings", "build", "launch"]
