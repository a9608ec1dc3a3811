"""The two networks, and the bundle that carries them."""
