"""Invalid requests of programs: files that were not uploaded, or values of another type."""

import gradio as gr

_SENTENCE = "This request names a file that was not uploaded, or holds a value that the endpoint does not take."


class Page(gr.Blocks):
    """Gradio's Blocks with a sentence for an invalid request, instead of null and a traceback in the log."""

    async def preprocess_data(self, *args, **kwargs):
        """Gradio's own step from a request's values to a handler's arguments. Raises gr.Error."""
        try:
            return await super().preprocess_data(*args, **kwargs)
        except gr.Error:  # a component's own sentence
            raise
        except (ValueError, TypeError, KeyError, OSError):
            raise gr.Error(_SENTENCE, print_exception=False) from None
