"""The use case in one page: a hook request in, the facts of the visit, the answer of the rules, and a card out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from cds_hooks import meters
from cds_hooks.cards.card import CardTable, load_card_table, render
from cds_hooks.cards.profile import ClientProfile, load_profiles
from cds_hooks.cards.suggestions import Offered
from cds_hooks.coding.loading import load_book
from cds_hooks.coding.outcome import Kind, Note, Outcome
from cds_hooks.coding.policy import PolicyBook
from cds_hooks.coding.select import select
from cds_hooks.exchange.answers import failure_code
from cds_hooks.exchange.calculator_link import calculator_link
from cds_hooks.exchange.discovery import Offer, load_offer
from cds_hooks.exchange.errand import Errand, resolve
from cds_hooks.exchange.facts_json import read_facts
from cds_hooks.exchange.fetch import Fetcher
from cds_hooks.exchange.hook import HookRefused, HookRequest
from cds_hooks.exchange.issuers import is_safe
from cds_hooks.exchange.response import sendable
from cds_hooks.exchange.unread import Reads, load_reads
from cds_hooks.settings import Settings
from cds_hooks.store.ledger import CardGiven, OfferedCode
from fhir_mapping.facts import EncounterFacts, Fact, Modality, Parties, RecordShows, Release
from fhir_mapping.gather import (
    ContradictedPatient,
    ContradictedVisit,
    Gathered,
    MissingEncounter,
    WrongPatient,
    gather,
)
from fhir_mapping.identity import others_read
from fhir_mapping.latest_visit import latest_visit
from fhir_mapping.note_rows import load_note_rules
from fhir_mapping.note_rules import NoteRules
from fhir_mapping.orders import has_visit_code
from fhir_mapping.searches import is_empty
from fhir_mapping.tables import TableError, config_folder
from fhir_mapping.unreadable import VISIT, Fault, fault_of
from fhir_mapping.vocabulary import Vocabulary, load_vocabulary
from fhir_mapping.wanted import wanted

T = TypeVar("T")

EARLIER = "priorEncounters"
NO_VISIT_ORDERED = ("no_visit_ordered", "No draft order of this visit carries an E/M code.")
OF_VISIT = "{{context.encounterId}}"
MIX_UP = "record_mix_up"
SUBJECT, VERSIONS = "subject", "versions"
"""The mix-ups within the visit's own record; the others are called by the prefetch key of the record."""
_LOG = logging.getLogger("telecode")


class MixedUp(ValueError):
    """A read by id brought another record than the one that was asked for: `what`, by its prefetch key."""

    def __init__(self, what: str) -> None:
        super().__init__(f"another record was sent under {what}")
        self.what = what


class EncounterNotHad(LookupError):
    """The Encounter could not be had, neither from prefetch nor from the FHIR server."""


@dataclass(frozen=True)
class Answer:
    """What the service found and says; the facts are blank where no encounter was named.

    `offered` are the codes on the card.
    """

    facts: EncounterFacts
    outcome: Outcome
    cards: list[dict[str, Any]]
    offered: tuple[Offered, ...] = ()


@dataclass(frozen=True)
class Telecode:
    """The service with everything it needs, loaded once at start-up."""

    settings: Settings
    book: PolicyBook
    vocabulary: Vocabulary
    note_rules: NoteRules
    offer: Offer
    cards: CardTable
    clients: Mapping[str, ClientProfile]
    reads: Reads
    fetcher: Fetcher

    @classmethod
    def start(cls, settings: Settings) -> Telecode:
        """Load every table. Raises TableError, with file and line, for one that cannot be trusted."""
        return cls(settings=settings, **{part: load() for part, load in cls.loaders(settings).items()})

    @staticmethod
    def loaders(settings: Settings) -> Mapping[str, Callable[[], Any]]:
        """How each part is loaded from its tables, so that they can be checked one by one.

        Raises TableError if there is no folder of tables; so does each loader for what it cannot trust.
        """
        folder = config_folder(settings.config)
        vocabulary, site = folder / "vocabulary", settings.site_vocabulary
        offer = partial(
            load_offer,
            folder,
            base=settings.fhir_base,
            hook_name=settings.hook_name,
            aliases=settings.hook_aliases,
            optional=frozenset({"order-sign"} if settings.order_sign else ()),
            version=settings.cds_hooks_version,
        )
        return {
            "offer": offer,
            "book": partial(load_book, folder),
            "vocabulary": partial(load_vocabulary, vocabulary, base=settings.fhir_base, site=site),
            "note_rules": partial(load_note_rules, vocabulary, site=site),
            "cards": partial(load_card_table, folder, base=settings.fhir_base),
            "clients": lambda: _profiles(folder, settings, offer()),
            "reads": partial(load_reads, folder),
            "fetcher": lambda: Fetcher(settings.servers, folder),
        }

    def select(self, body: Mapping[str, Any]) -> Outcome:
        """The outcome for facts in JSON. Raises FactsRefused."""
        return select(read_facts(body, self.book), self.book, self.settings.options)

    def answer(self, request: HookRequest, bases: frozenset[str] | None = None, client: str = "") -> Answer:
        """Answer a hook request.

        Parameters: `bases` of FHIR servers that this EHR may name, where the site has bound it to some; `client`, the
        profile that it is answered by, or nothing for that of the settings.
        Raises EncounterNotHad, or WrongPatient if the Encounter is another patient's than the context names;
        HookRefused for a FHIR server that must not be named in production.
        """
        if request.fhir_server and not (self.settings.development or is_safe(request.fhir_server)):
            raise HookRefused("fhirServer", "must be https")
        profile = self.clients[client or self.settings.client]
        request = replace(request, prefetch=profile.own_keys(request.prefetch))
        unasked = self._unasked(request, profile)
        if unasked is not None:
            return self._nothing(unasked.id, unasked.text)
        errand = self.fetcher.errand(request, bases)
        picked = request.encounter_id is None
        if picked:
            request = self._at_latest_visit(request, errand)
            errand = errand.about(request) if errand else None
        if request.encounter_id is None:
            return self._nothing("no_encounter", "No telehealth visit of this patient was found.")
        try:
            found = self._found(request, request.encounter_id, errand, picked=picked)
        except MixedUp as mixed:
            return self._mixed_up(mixed.what, request.service, profile)
        _report(found.faults)
        facts = found.facts
        why = self._not_ours(request, found)
        if why is not None:
            return replace(self._nothing(why.id, why.text), facts=facts)
        outcome = select(facts, self.book, self.settings.options)
        address = self.settings.page_address
        card = render(
            outcome,
            facts,
            found.parties,
            self.book,
            self.cards,
            profile,
            shows=found.shows,
            release=found.release,
            dated=picked,
            source_url=address,
            calculator=calculator_link(facts, self.book, address) if address else None,
        )
        cards = sendable([card.body] if card else [], request.service)
        return Answer(facts, outcome, cards, card.offered if card else ())

    def cards_given(self, service_id: str, answer: Answer) -> Iterator[CardGiven]:
        """The cards of an answer as they are remembered: what was suggested, and nothing of the chart."""
        outcome = answer.outcome
        questions = tuple(note.id for note in outcome.questions)
        offers = tuple(
            OfferedCode(
                suggestion=offered.suggestion,
                payer=offered.candidate.payer,
                code=offered.line.code,
                place_of_service=offered.line.place_of_service or "",
                modifiers=offered.line.modifiers,
                basis=offered.candidate.basis or "",
                recommended=offered.candidate.recommended,
            )
            for offered in answer.offered
        )
        for card in answer.cards:
            yield CardGiven(card["uuid"], service_id, outcome.kind, questions, outcome.fingerprint, offers)

    def _found(self, request: HookRequest, encounter_id: str, errand: Errand | None, *, picked: bool) -> Gathered:
        """The facts of the visit. Raises EncounterNotHad, WrongPatient, and MixedUp as `_collect` does."""
        try:
            records, unread = self._collect(request, encounter_id, errand, picked=picked)
            found = gather(
                records,
                patient_id=request.patient_id,
                encounter_id=encounter_id,
                user=request.user,
                vocabulary=self.vocabulary,
                note_rules=self.note_rules,
                complete_history=self.settings.complete_history,
                fhir_version=request.fhir_version,
                signed=request.document_id,
                drafted=request.drafted,
            )
        except MissingEncounter as missing:
            raise EncounterNotHad(encounter_id) from missing
        except ContradictedPatient as contradicted:
            what = VERSIONS if isinstance(contradicted, ContradictedVisit) else SUBJECT
            raise MixedUp(what) from contradicted
        except WrongPatient as wrong:
            if self.offer.required in request.prefetch:
                raise
            raise EncounterNotHad(encounter_id) from wrong  # what the FHIR server gave is not the visit
        return replace(found, facts=replace(found.facts, notes=(*unread, *found.facts.notes)))

    def _collect(
        self, request: HookRequest, encounter_id: str, errand: Errand | None, *, picked: bool
    ) -> tuple[list[Any], tuple[str, ...]]:
        """The records to read the visit by, sent or fetched, and what could not be read.

        First what prefetch lacks is fetched, then what those records point at. Raises MixedUp if one of them is not the
        record that was asked for, by the EHR or from its FHIR server.
        Parameters: `picked`, if no visit was named, so that none was asked for by the EHR.
        """
        prefetch = dict(request.prefetch)
        if errand is not None:
            prefetch |= errand.fill(self.offer.prefetch, self.reads.whole)
        asked = {key: resolve(template, request) for key, template in self.offer.reads.items()}
        if picked and self.offer.required in request.prefetch:
            del asked[self.offer.required]
        others = others_read(prefetch, {key: name for key, name in asked.items() if name}, self.offer.prefetch)
        for key in others:
            if key in self.reads.mix_ups:
                raise MixedUp(key)
        if errand is not None:
            records, _ = self.reads.set_apart(prefetch)
            lacking = partial(
                wanted, records, patient_id=request.patient_id, encounter_id=encounter_id, vocabulary=self.vocabulary
            )
            prefetch |= errand.read(_unless_it_fails(lacking, VISIT, otherwise=()))
        records, unread = self.reads.set_apart(prefetch)
        return records, (*unread, *map(self.reads.another, others))

    def _at_latest_visit(self, request: HookRequest, errand: Errand | None) -> HookRequest:
        """The request as if it named the patient's latest telehealth visit, if the EHR has one.

        What was searched for by a visit that nobody named was found for none: an empty answer to that says nothing.
        """
        prefetch = {
            key: value
            for key, value in request.prefetch.items()
            if not (OF_VISIT in self.offer.prefetch.get(key, "") and is_empty(value))
        }
        if errand is not None:
            known = {EARLIER: prefetch[EARLIER]} if EARLIER in prefetch else {}
            visits = errand.about(replace(request, prefetch=known))
            prefetch |= visits.fill({EARLIER: self.offer.prefetch[EARLIER]}, self.reads.whole)
        faults: list[Fault] = []
        found = latest_visit(prefetch.values(), request.patient_id, self.vocabulary, faults)
        _report(faults)
        if found is None and failure_code(prefetch.get(EARLIER)) is not None:
            raise EncounterNotHad(EARLIER)
        return replace(request, encounter_id=found, prefetch=prefetch)

    def _unasked(self, request: HookRequest, profile: ClientProfile) -> Note | None:
        """Why this request asks for no code, if so: nothing has to be read to say it."""
        if request.hook == "order-sign":
            has_code = partial(has_visit_code, request.prefetch.get("draftOrders"), self.vocabulary)
            if not _unless_it_fails(has_code, "ServiceRequest", otherwise=True):
                return Note(*NO_VISIT_ORDERED)
        is_view = request.hook == "patient-view"
        if is_view and not self._fires(request.trigger, self.settings.patient_view_triggers or profile.triggers):
            return Note("not_triggered", "The trigger action of this request is none that the site has named.")
        if request.encounter_id is None and not (is_view and profile.latest_visit):
            return Note("no_encounter", "No encounter at sign-off in the context of this request.")
        return None

    def _not_ours(self, request: HookRequest, found: Gathered) -> Note | None:
        """Why what was read of the visit gets no card, if so."""
        if found.not_ours is not None:
            return Note("not_ours", found.not_ours)
        if request.hook == "order-sign" and not found.ordered:
            return Note(*NO_VISIT_ORDERED)
        if found.facts.modality.value is Modality.IN_PERSON and not self.settings.in_person_cards:
            return Note("in_person", "The visit was in person.")
        return None

    def _fires(self, trigger: str | None, named: tuple[str, ...] | None) -> bool:
        """Whether a trigger action is one to answer; while none is named, only a developer's service answers all."""
        return trigger in named if named else named is None or self.settings.development

    def _mixed_up(self, what: str, service: str, profile: ClientProfile) -> Answer:
        """The answer after a mix-up of records: a card that says why, and nothing that was read."""
        _LOG.warning("a record that was asked for by its id came as another one: %s", what)
        questions = (Note(MIX_UP, self.reads.mix_ups[what]),)
        outcome = Outcome(Kind.UNDETERMINED, (), questions, (), (), (), None, self.book.fingerprint, self.book.sources)
        named = (one.name for one in fields(EncounterFacts) if one.name != "notes")
        unread: dict[str, Any] = dict.fromkeys(named, Fact(why_unknown=self.reads.unread))
        facts = EncounterFacts(**unread)
        card = render(
            outcome,
            facts,
            Parties(""),
            self.book,
            self.cards,
            profile,
            shows=RecordShows(),
            release=Release.OTHER,
            source_url=self.settings.page_address,
        )
        return Answer(facts, outcome, sendable([card.body] if card else [], service))

    def _nothing(self, why: str, text: str) -> Answer:
        outcome = Outcome(
            Kind.NOT_APPLICABLE, (), (), (), (Note(why, text),), (), None, self.book.fingerprint, self.book.sources
        )
        return Answer(EncounterFacts(), outcome, [])


def _unless_it_fails(read: Callable[[], T], kind: str, *, otherwise: T) -> T:
    """What a first look at the records tells, or `otherwise` where it fails: it costs one of them when all is read."""
    try:
        return read()
    except (MissingEncounter, WrongPatient):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it may not cost the answer
        _report([fault_of(kind, error)])
        return otherwise


def _report(faults: Iterable[Fault]) -> None:
    """Count and log what could not be read for a reason nobody foresaw: its kind and the line it was at."""
    for fault in faults:
        meters.unreadable(fault.kind)
        _LOG.error("a resource could not be read (%s): %s at %s", fault.kind, fault.error, fault.at)


def _profiles(folder: Path, settings: Settings, offer: Offer) -> Mapping[str, ClientProfile]:
    found = load_profiles(folder, site=settings.client_profiles)
    for name, profile in found.items():
        for theirs, ours in profile.prefetch_aliases.items():
            if ours not in offer.prefetch:
                where = settings.client_profiles or folder / "clients"
                raise TableError(str(where), 1, f"{name} leads {theirs} to {ours}, which is no prefetch key")
    if settings.client not in found:
        raise TableError(str(folder / "clients"), 1, f"there is no client profile {settings.client} here")
    return found
