"""Restoration of speech recorded in a running scanner. See docs/restoration.md."""

from .sound import METHODS, restore, restore_file, restored_by

__all__ = ["METHODS", "restore", "restore_file", "restored_by"]
