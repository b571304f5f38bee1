"""A card's detail drawn for the page: text, tables and links to the web, and nothing that a chart could smuggle in."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict


class _Reader(MarkdownIt):
    """GitHub-flavoured tables without HTML and images, and links to nothing but addresses of the web."""

    def validateLink(self, url: str) -> bool:  # noqa: N802 - the library's own name
        return url.startswith(("https://", "http://"))


def _opens_apart(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: MutableMapping[str, Any]
) -> str:
    """A link that opens in a window of its own and tells nobody where it stood."""
    tokens[index].attrSet("rel", "noreferrer")
    tokens[index].attrSet("target", "_blank")
    return self.renderToken(tokens, index, options, env)


_READER = _Reader("commonmark", {"html": False}).enable("table").disable("image")
_READER.add_render_rule("link_open", _opens_apart)


def drawn(markdown: str) -> str:
    """A detail as HTML.

    Parameters: `markdown` as it came back from a service, hostile like anything that quotes a chart.
    """
    html: str = _READER.render(markdown)
    return html
