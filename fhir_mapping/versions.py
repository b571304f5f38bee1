"""Of a resource that was sent more than once, keeps the newest version; where none is, all that differ are kept."""

from collections.abc import Collection, Iterable, Mapping

from fhir_mapping.moments import moment_or_none
from fhir_mapping.resources import Json, record, text
from fhir_mapping.sent import Sent

_ASIDE = {"meta", "text"}  # what tells no fact of the visit


def newest(sent: Sent, drafted: Collection[str] = ()) -> tuple[Sent, frozenset[str]]:
    """Leave out what was sent again, and older versions of a resource by `meta.lastUpdated` or `meta.versionId`.

    Parameters: `drafted`, the names (`Type/id`) of drafts, of which the first is what is being signed.
    Returns what is left, in its order, with the names of the resources whose versions contradict each other while
    nothing says which is newer.
    """
    by_name: dict[str, list[int]] = {}
    for number, (_, resource) in enumerate(sent):
        own = text(resource.get("id"))
        if own:
            by_name.setdefault(f"{text(resource.get('resourceType'))}/{own}", []).append(number)
    repeated = {name: numbers for name, numbers in by_name.items() if len(numbers) > 1}
    if not repeated:
        return sent, frozenset()
    dropped: set[int] = set()
    contradicting: set[str] = set()
    for name, numbers in repeated.items():
        kept = numbers[:1] if name in drafted else _kept({number: sent[number][1] for number in numbers})
        dropped.update(set(numbers) - set(kept))
        if len(kept) > 1:
            contradicting.add(name)
    return [found for number, found in enumerate(sent) if number not in dropped], frozenset(contradicting)


def _kept(versions: Mapping[int, Json]) -> list[int]:
    """Of the versions of one resource the newest, or those that say what no other says."""
    kept: list[int] = []
    for number, one in versions.items():
        if any(_says_no_more(one, versions[other]) for other in kept):
            continue
        kept = [other for other in kept if not _says_no_more(versions[other], one)] + [number]
    if len(kept) == 1:
        return kept
    of_all = (_latest(kept, (order(versions[number]) for number in kept)) for order in (_updated, _number))
    return next(filter(None, of_all), kept)


def _says_no_more(one: Json, other: Json) -> bool:
    """Whether all that one version says stands in the other too: a search may send only some elements."""
    return all(other.get(key) == value for key, value in one.items() if key not in _ASIDE)


def _latest(kept: list[int], orders: Iterable[float | None]) -> list[int]:
    """The one that is later than all others, if each tells its time or number."""
    known = list(orders)
    last = [order for order in known if order is not None]
    if len(last) < len(known) or last.count(max(last)) > 1:
        return []
    return [kept[known.index(max(last))]]


def _updated(resource: Json) -> float | None:
    moment = moment_or_none(record(resource.get("meta")).get("lastUpdated"))
    return moment.at.timestamp() if moment and moment.at else None


def _number(resource: Json) -> float | None:
    said = text(record(resource.get("meta")).get("versionId"))
    return float(said) if said.isascii() and said.isdigit() and len(said) < 16 else None  # noqa: PLR2004 - exact floats
