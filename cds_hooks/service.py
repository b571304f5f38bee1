"""The use case in one page: a hook request in, the facts of the visit, the answer of the rules, and a card out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cds_hooks.cards.card import CardTable, load_card_table, render
from cds_hooks.coding.loading import load_book
from cds_hooks.coding.outcome import Kind, Note, Outcome
from cds_hooks.coding.policy import PolicyBook
from cds_hooks.coding.select import select
from cds_hooks.exchange.discovery import Offer, load_offer
from cds_hooks.exchange.facts_json import read_facts
from cds_hooks.exchange.fetch import Fetcher
from cds_hooks.exchange.hook import HookRequest
from cds_hooks.exchange.unread import Reads, load_reads
from cds_hooks.settings import Settings
from cds_hooks.store.ledger import CardGiven, OfferedCode
from fhir_mapping.facts import EncounterFacts, Modality
from fhir_mapping.gather import MissingEncounter, WrongPatient, gather
from fhir_mapping.note_rows import load_note_rules
from fhir_mapping.note_rules import NoteRules
from fhir_mapping.tables import config_folder
from fhir_mapping.vocabulary import Vocabulary, load_vocabulary
from fhir_mapping.wanted import wanted


class EncounterNotHad(LookupError):
    """The Encounter could not be had, neither from prefetch nor from the FHIR server."""


@dataclass(frozen=True)
class Answer:
    """What the service found and says; `facts` is None where no encounter was named."""

    facts: EncounterFacts
    outcome: Outcome
    cards: list[dict[str, Any]]


@dataclass(frozen=True)
class Telecode:
    """The service with everything it needs, loaded once at start-up."""

    settings: Settings
    book: PolicyBook
    vocabulary: Vocabulary
    note_rules: NoteRules
    offer: Offer
    cards: CardTable
    reads: Reads
    fetcher: Fetcher

    @classmethod
    def start(cls, settings: Settings) -> Telecode:
        """Load every table. Raises TableError, with file and line, for one that cannot be trusted."""
        folder = config_folder(settings.config)
        return cls(
            settings=settings,
            book=load_book(folder),
            vocabulary=load_vocabulary(folder / "vocabulary", base=settings.fhir_base, site=settings.site_vocabulary),
            note_rules=load_note_rules(folder / "vocabulary", site=settings.site_vocabulary),
            offer=load_offer(
                folder, base=settings.fhir_base, hook_name=settings.hook_name, aliases=settings.hook_aliases
            ),
            cards=load_card_table(folder, base=settings.fhir_base),
            reads=load_reads(folder),
            fetcher=Fetcher(settings.servers, folder),
        )

    def select(self, body: Mapping[str, Any]) -> Outcome:
        """The outcome for facts in JSON. Raises FactsRefused."""
        return select(read_facts(body, self.book), self.book, self.settings.options)

    def answer(self, request: HookRequest, bases: frozenset[str] | None = None) -> Answer:
        """Answer a hook request.

        Parameters: `bases` of FHIR servers that this EHR may name, where the site has bound it to some.
        Raises EncounterNotHad, or WrongPatient if the Encounter is another patient's than the context names.
        """
        if request.encounter_id is None or not self._triggered(request):
            return self._nothing("no_encounter", "No encounter at sign-off in the context of this request.")
        try:
            records, unread = self._collect(request, request.encounter_id, bases)
            found = gather(
                records,
                patient_id=request.patient_id,
                encounter_id=request.encounter_id,
                user=request.user,
                vocabulary=self.vocabulary,
                note_rules=self.note_rules,
                complete_history=self.settings.complete_history,
            )
        except MissingEncounter as missing:
            raise EncounterNotHad(request.encounter_id) from missing
        except WrongPatient as wrong:
            if self.offer.required in request.prefetch:
                raise
            raise EncounterNotHad(request.encounter_id) from wrong  # what the FHIR server gave is not the visit
        facts = replace(found.facts, notes=(*unread, *found.facts.notes))
        if found.not_ours is not None:
            return replace(self._nothing("not_ours", found.not_ours), facts=facts)
        if facts.modality.value is Modality.IN_PERSON and not self.settings.in_person_cards:
            return replace(self._nothing("in_person", "The visit was in person."), facts=facts)
        outcome = select(facts, self.book, self.settings.options)
        cards = render(
            outcome,
            facts,
            found.parties,
            self.book,
            self.cards,
            shows=found.shows,
            source_url=next(iter(self.settings.addresses), None),
        )
        return Answer(facts, outcome, cards)

    def cards_given(self, service_id: str, answer: Answer) -> Iterator[CardGiven]:
        """The cards of an answer as they are remembered: what was suggested, and nothing of the chart."""
        outcome = answer.outcome
        for card in answer.cards:
            uuids = [suggestion["uuid"] for suggestion in card.get("suggestions", ())]
            offered = tuple(
                OfferedCode(
                    suggestion=uuid,
                    payer=candidate.payer,
                    code=candidate.code,
                    place_of_service=candidate.place_of_service or "",
                    modifiers=candidate.modifiers,
                    basis=candidate.basis or "",
                    recommended=candidate.recommended,
                )
                for candidate, uuid in zip(outcome.candidates, uuids or [""] * len(outcome.candidates), strict=True)
            )
            questions = tuple(note.id for note in outcome.questions)
            yield CardGiven(card["uuid"], service_id, outcome.kind, questions, outcome.fingerprint, offered)

    def _collect(
        self, request: HookRequest, encounter_id: str, bases: frozenset[str] | None
    ) -> tuple[list[Any], tuple[str, ...]]:
        """The records to read the visit by, sent or fetched, and what could not be read.

        First what prefetch lacks is fetched, then what those records point at.
        """
        errand = self.fetcher.errand(request, bases)
        prefetch = dict(request.prefetch)
        if errand is not None:
            prefetch |= errand.fill(self.offer.prefetch, self.reads.whole)
            records, _ = self.reads.set_apart(prefetch)
            prefetch |= errand.read(
                wanted(
                    records,
                    patient_id=request.patient_id,
                    encounter_id=encounter_id,
                    vocabulary=self.vocabulary,
                )
            )
        return self.reads.set_apart(prefetch)

    def _triggered(self, request: HookRequest) -> bool:
        triggers = self.settings.patient_view_triggers
        return request.hook != "patient-view" or not triggers or request.trigger in triggers

    def _nothing(self, why: str, text: str) -> Answer:
        outcome = Outcome(
            Kind.NOT_APPLICABLE, (), (), (), (Note(why, text),), (), None, self.book.fingerprint, self.book.sources
        )
        return Answer(EncounterFacts(), outcome, [])
