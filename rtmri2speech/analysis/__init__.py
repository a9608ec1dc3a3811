"""From a clip to speech and attribution maps: analyse(bundle, clip, settings=settings) -> Analysis."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"pipeline": ["analyse"], "result": ["Analysis"]}
)
