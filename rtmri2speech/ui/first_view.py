"""What the explorer shows first is on its way before Gradio has laid out the page, and needs none of its events.

The page asks for what its address leads to. Where that analysis is kept, as the first example's always is, the explorer
shows it as soon as it is there itself, and `opening` only gives the session its result. All else opens as it would.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..spec import DEFAULT_BANDS
from .page_context import PageContext
from .session import bands_of_link

_PATH = "/first-view"
# The answer is kept as a promise, for explorer.js and for `opening`. A link stands in the address after "#"
# (permalink.js).
HEAD = f"""<script>
window.rtmri2speechFirst = fetch(`${{window.gradio_config?.root ?? ""}}{_PATH}?${{location.hash.slice(1)}}`)
    .then((answer) => (answer.ok ? answer.text() : ""))
    .catch(() => "");
</script>"""


def route(context: PageContext) -> Route:
    """Answers with the payload of an analysis that is kept, and with nothing where there is none."""

    def first_view(request: Request) -> Response:
        name = request.query_params.get("clip") or context.examples.first
        bands = bands_of_link(request.query_params.getlist("band")) or DEFAULT_BANDS
        # maps of the frequency and of boxes are never kept
        kept = None if request.query_params.get("energy") else context.examples.kept(name, context.bundles.first, bands)
        if kept is None:
            return Response(status_code=204)
        return Response(kept.payload, media_type="application/json", headers={"Cache-Control": "no-store"})

    return Route(_PATH, first_view)
