"""Rendering: colours, overlay and slow-motion videos, figures, encoding. Importing this package loads nothing heavy."""
