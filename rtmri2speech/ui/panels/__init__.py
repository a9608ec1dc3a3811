"""The panels under the frame explorer, one a tab: each lays itself out and wires its events in build(context)."""
