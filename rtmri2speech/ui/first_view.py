"""First view: the explorer's first payload is fetched before Gradio has laid out the page.

The page requests the analysis of its address. If that is cached, as the first example's always is, the explorer shows
it as soon as it exists, and `opening` only sets the session's result. Everything else opens as usual.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..spec import DEFAULT_BANDS
from .page_context import PageContext
from .session import bands_of_link

_PATH = "/first-view"
# The response is kept as a promise, for explorer.js and `opening`. A permalink is the address' part after "#"
# (permalink.js).
HEAD = f"""<script>
window.rtmri2speechFirst = fetch(`${{window.gradio_config?.root ?? ""}}{_PATH}?${{location.hash.slice(1)}}`)
    .then((answer) => (answer.ok ? answer.text() : ""))
    .catch(() => "");
</script>"""


def route(context: PageContext) -> Route:
    """Responds with the payload of a cached analysis, or with nothing."""

    def first_view(request: Request) -> Response:
        name = request.query_params.get("clip") or context.examples.first
        bands = bands_of_link(request.query_params.getlist("band")) or DEFAULT_BANDS
        # maps of frequencies and boxes are never cached
        kept = None if request.query_params.get("energy") else context.examples.kept(name, context.bundles.first, bands)
        if kept is None:
            return Response(status_code=204)
        return Response(kept.payload, media_type="application/json", headers={"Cache-Control": "no-store"})

    return Route(_PATH, first_view)
