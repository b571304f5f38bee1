"""The dictionary of the chart: which code, address or phrase stands for which word of ours (config/vocabulary)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fhir_mapping.note_rows import FILE
from fhir_mapping.resources import Coding, codings_of
from fhir_mapping.tables import Place, Table, read_table
from fhir_mapping.topics import TOPICS, Address, Plan, VocabularyFile

_SCHEMES = ("https://", "http://")
_LONGEST = 300  # of an address; what is longer names no code system
_URN = "urn:"
_OID = re.compile(r"(?:urn:)?(?:oid:)?([0-2](?:\.[0-9]+){2,})", re.IGNORECASE)
_PAGE = re.compile(r"\.(?:html?|json|xml)$|/[cv]s$")
_PUBLISHED = re.compile(r"^(terminology\.hl7\.org|hl7\.org/fhir)/(?:[0-9][\w.-]*|r[0-9]b?|stu3|dstu2|en)/")
_KIND = re.compile(r"/(?:codesystem|valueset)[-/]")
_OLD_HL7 = re.compile(r"^hl7\.org/fhir/(?:codesystem/)?(v[23])[-/](?:vs/)?")
"""A code system is written as its canonical address, with a version behind it, as the page that shows it, as the value
set of its codes, at the address it had in STU3, or as its OID: all of these mean the same codes."""


@dataclass(frozen=True, slots=True)
class _Addresses:
    spelled: Mapping[str, str]
    exact: Mapping[str, str]
    pattern: re.Pattern[str] | None
    by_group: Mapping[str, str]

    def name(self, url: str) -> str:
        if url in self.spelled:
            return self.spelled[url]
        bare = canonical(url)
        known = self.exact.get(bare)
        if known is None and self.pattern and (match := self.pattern.search(bare)):
            return self.by_group[match.lastgroup or ""]
        return known or ""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All tables of the vocabulary, compiled for look-up."""

    _systems: _Addresses
    _extensions: _Addresses
    _codes: Mapping[tuple[str, str, str], str]
    _prefixes: Mapping[tuple[str, str], tuple[tuple[str, str], ...]]
    _wanted: Mapping[str, Callable[[str], bool]]
    _phrases: Mapping[str, tuple[tuple[str, str], ...]]
    _plans: tuple[tuple[str, Plan], ...]

    def system(self, url: str) -> str:
        """Find our name of the code system at `url`, or nothing."""
        return self._systems.name(url)

    def extension(self, url: str) -> str:
        """Find our name of the extension at `url`, or nothing."""
        return self._extensions.name(url)

    def word(self, topic: str, url: str, code: str) -> str | None:
        """Look up the word for `code` of the code system at `url`."""
        return self.term(topic, self._systems.name(url), code)

    def term(self, topic: str, system: str, code: str) -> str | None:
        """Look it up by our name of the code system. The exact code counts before the longest beginning of it."""
        word = self._codes.get((topic, system, code))
        if word is None and code:
            for start, meant in self._prefixes.get((topic, system), ()):
                if code.startswith(start):
                    return meant
        return word

    def words(self, topic: str, value: object) -> list[tuple[str, Coding]]:
        """List what the codings in a value mean under a topic, each with its coding; the others are passed over."""
        return [
            (word, coding)
            for coding in codings_of(value, self._wanted[topic])
            if (word := self.word(topic, coding.system, coding.code))
        ]

    def phrases(self, topic: str, said: str) -> frozenset[str]:
        """Find every word of the topic whose phrases stand in `said`."""
        if not said:
            return frozenset()
        plain = _plain(said)
        return frozenset([word for phrase, word in self._phrases.get(topic, ()) if phrase in plain])

    def without(self, topic: str, said: str) -> str:
        """Take the phrases of a topic out of `said`, so that no word in them is read for what it means elsewhere."""
        plain = _plain(said)
        for phrase, _ in self._phrases.get(topic, ()):
            if phrase in plain:
                plain = plain.replace(phrase, " - ")
        return plain[2:-2]

    def plan(self, said: str, fits: Callable[[Plan], bool]) -> Plan | None:
        """Find the first named plan that fits and stands in `said`."""
        plain = _plain(said)
        return next((plan for phrase, plan in self._plans if phrase in plain and fits(plan)), None)


def load_vocabulary(
    folder: Path, *, base: str = "https://example.org/fhir/telecode", site: Path | None = None
) -> Vocabulary:
    """Read every table of `folder` (config/vocabulary), then of `site`, whose meanings go before ours.

    Parameters: `base` stands for `{base}` in addresses: where this site publishes telecode's own code systems.
    Raises TableError, with file and line, for a word or a code system nobody knows, a code with two meanings, a broken
    pattern, a table without sources, or a folder without tables.
    """
    own, added = _read(folder), _read(site) if site else []
    for table, file in own:
        if not file.sources:
            raise table.error((), "a table must say its sources")
    every = own + added
    systems = _addresses([(table, "systems", file.systems) for table, file in every], base)
    extensions = _addresses([(table, "extensions", file.extensions) for table, file in every], base)
    names = {name for _, file in every for name in file.systems}
    codes = _codes(own, names) | _codes(added, names)
    prefixes: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for (topic, system, code), word in sorted(codes.items(), key=lambda entry: -len(entry[0][2])):
        if code.endswith("*"):
            prefixes.setdefault((topic, system), []).append((code[:-1], word))
    return Vocabulary(
        systems,
        extensions,
        codes,
        {key: tuple(found) for key, found in prefixes.items()},
        {topic: _wanted(topic, codes) for topic in TOPICS},
        _phrases(every),
        tuple((_phrase(name), plan) for _, file in added + own for plan in file.plans for name in plan.names),
    )


def _read(folder: Path) -> list[tuple[Table, VocabularyFile]]:
    tables = [read_table(path, root=folder.parent) for path in sorted(folder.glob("*.yaml")) if path.name != FILE]
    if not tables:
        raise Table(str(folder), None, {}).error((), "no tables of the vocabulary here")
    return [(table, table.as_model(VocabularyFile)) for table in tables]


def _addresses(groups: list[tuple[Table, str, dict[str, Address]]], base: str) -> _Addresses:
    exact: dict[str, str] = {}
    spelled: dict[str, str] = {}
    patterns: list[tuple[str, str]] = []
    for table, section, addresses in groups:
        for name, address in addresses.items():
            for url in address.urls:
                full = url.replace("{base}", base.rstrip("/"))
                exact[canonical(full)] = name
                spelled |= dict.fromkeys(_spellings(full), name)
            if address.pattern is not None:
                place = (section, name, "pattern")
                try:
                    compiled = re.compile(f"(?P<n{len(patterns)}>{address.pattern})")
                except re.error as broken:
                    raise table.error(place, f"the pattern is broken: {broken}") from None
                if len(compiled.groupindex) > 1:  # it would stand for another address
                    raise table.error(place, "a pattern may hold no named group")
                patterns.append((name, address.pattern))
    whole = "|".join(f"(?P<n{number}>{pattern})" for number, (_, pattern) in enumerate(patterns))
    by_group = {f"n{number}": name for number, (name, _) in enumerate(patterns)}
    return _Addresses(spelled, exact, re.compile(whole, re.IGNORECASE) if whole else None, by_group)


def _codes(tables: list[tuple[Table, VocabularyFile]], systems: set[str]) -> dict[tuple[str, str, str], str]:
    found: dict[tuple[str, str, str], str] = {}
    for table, file in tables:
        for topic, by_system in file.codes.items():
            for system, by_word in by_system.items():
                if system not in systems:
                    raise table.error(("codes", topic, system), f"nobody says which code system {system} is")
                for word, codes in by_word.items():
                    place = ("codes", topic, system, word)
                    _check_word(table, place, topic, word)
                    for code in codes:
                        if found.setdefault((topic, system, code), word) != word:
                            raise table.error(place, f"{code} means both {found[topic, system, code]} and {word}")
    return found


def _wanted(topic: str, codes: Mapping[tuple[str, str, str], str]) -> Callable[[str], bool]:
    """Make the look at a code alone: whether any code system of the topic has it. Most codes of a chart are in none."""
    known = frozenset(code for about, _, code in codes if about == topic)
    starts = tuple(code[:-1] for code in known if code.endswith("*"))
    return (lambda code: code in known or code.startswith(starts)) if starts else known.__contains__


def _phrases(tables: list[tuple[Table, VocabularyFile]]) -> dict[str, tuple[tuple[str, str], ...]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for table, file in tables:
        for topic, by_word in file.phrases.items():
            for word, phrases in by_word.items():
                _check_word(table, ("phrases", topic, word), topic, word)
                found.setdefault(topic, []).extend((_phrase(phrase), word) for phrase in phrases)
    return {topic: tuple(pairs) for topic, pairs in found.items()}


def _check_word(table: Table, place: Place, topic: str, word: str) -> None:
    if topic not in TOPICS:
        raise table.error(place, f"there is no topic {topic}")
    words = TOPICS[topic]
    if words is not None and word not in words:
        raise table.error(place, f"{topic} has no word {word}; it has {', '.join(sorted(words))}")


def _spellings(url: str) -> tuple[str, ...]:
    """The spellings that nearly every chart uses, found without more ado: with and without TLS."""
    plain = url.removeprefix(_SCHEMES[0]).removeprefix(_SCHEMES[1])
    return (url,) if plain == url else tuple(f"{scheme}{plain}" for scheme in _SCHEMES)


@lru_cache(maxsize=1024)
def canonical(url: str) -> str:
    """Bring the address of a code system or an extension into the one form that its other spellings share.

    Parameters: `url` as a chart writes it. Its scheme, case, version and outer slashes do not count, nor whether it
    names the code system, the value set of its codes, or the page that shows either; an OID may lack its prefix.
    """
    plain = url[:_LONGEST].strip().partition("|")[0].partition("#")[0]
    if oid := _OID.fullmatch(plain.rstrip("/")):
        return f"{_URN}oid:{oid[1]}"
    plain = plain.casefold()
    for scheme in _SCHEMES:
        plain = plain.removeprefix(scheme)
    plain = _PAGE.sub("", plain.removeprefix("www.").rstrip("/"))
    plain = _PAGE.sub("", plain)  # .../v3/ActCode/vs.html
    plain = _KIND.sub("/codesystem/", _PUBLISHED.sub(r"\1/", plain))
    return _OLD_HL7.sub(r"terminology.hl7.org/codesystem/\1-", plain).rstrip("/")


def words(said: str) -> list[str]:
    """List the words of a text as they are compared: without case and punctuation, of its first 500 characters."""
    return re.findall("[a-z0-9]+", said[:500].casefold())


def _plain(said: str) -> str:
    """Keep words alone, between marks that let a phrase be the whole text."""
    return f"^ {' '.join(words(said))} $"


def _phrase(written: str) -> str:
    return _plain(written[1:]) if written.startswith("=") else _plain(written)[1:-1]
