"""Render: colour, overlay and slow-motion video, figures, encoding. Importing this package loads nothing heavy."""
