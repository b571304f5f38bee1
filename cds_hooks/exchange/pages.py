"""Puts the pages of a search together, so that a reader sees one list, and sees whether all of it came."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urljoin

from cds_hooks.exchange.bases import lies_within

MOST_PAGES = 5
"""Pages of one search that are read, the first among them."""
Page = dict[str, Any]


def whole_search(base: str, first: Mapping[str, Any], read: Callable[[str], Any]) -> Iterator[Page]:
    """The list as far as it was read, longer with each page.

    Parameters: `base`, the only server that pages are read from, and from which links without one are read; the `first`
    page; `read`, which gets one page.
    A list that still has a `next` link is not whole: there was another page that could not be had, lay elsewhere, was
    one too many, or had been read before.
    """
    whole = dict(first)
    seen = {_address(base, first, "self")}
    for _ in range(MOST_PAGES - 1):
        url = _address(base, whole, "next")
        if url in seen or not lies_within(base, url):
            return
        seen.add(url)
        page = read(url)
        if not isinstance(page, dict) or page.get("resourceType") != "Bundle":
            return
        links = [link for link in _list(whole, "link") if not _is_next(link)]
        links += [link for link in _list(page, "link") if _is_next(link)]
        whole = {**whole, "entry": [*_list(whole, "entry"), *_list(page, "entry")], "link": links}
        yield whole


def is_cut(value: object) -> bool:
    """Whether a value is a list of which another page exists."""
    return isinstance(value, dict) and value.get("resourceType") == "Bundle" and _link(value, "next") != ""


def _address(base: str, bundle: Mapping[str, Any], relation: str) -> str:
    """Where a link leads, written in full or as seen from the base; nothing where there is none."""
    url = _link(bundle, relation)
    try:
        return urljoin(f"{base}/", url) if url else ""
    except ValueError:  # a host in brackets that are never closed
        return ""


def _link(bundle: Mapping[str, Any], relation: str) -> str:
    links = (link for link in _list(bundle, "link") if isinstance(link, dict) and link.get("relation") == relation)
    url = next((link.get("url") for link in links), None)
    return url if isinstance(url, str) else ""


def _is_next(link: object) -> bool:
    return isinstance(link, dict) and link.get("relation") == "next"


def _list(bundle: Mapping[str, Any], name: str) -> list[Any]:
    found = bundle.get(name)
    return found if isinstance(found, list) else []
