"""How good the speech is, how faithful the maps are, and how two bundles differ."""
