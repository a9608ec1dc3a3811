"""Speech quality, faithfulness of the maps, and comparison of two bundles."""
