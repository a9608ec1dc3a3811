"""From a clip to its speech and to what drove it: analyse(bundle, clip, settings) -> Analysis."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"pipeline": ["analyse"], "result": ["Analysis"]}
)
