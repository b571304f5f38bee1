"""What a site may set: every setting is an environment variable `TELECODE_...`."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, FilePath, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from cds_hooks import environment
from cds_hooks.coding.billing import OptionalModifiers
from cds_hooks.coding.select import Options
from cds_hooks.ehr_options import TOKEN
from cds_hooks.exchange.bases import Servers, as_base
from cds_hooks.exchange.issuers import LOOPBACK, is_safe
from cds_hooks.store.digest_key import SHORTEST, key_file
from cds_hooks.store.moments import StoredTime


def _words(value: object) -> object:
    return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value


ORIGIN = re.compile(r"https?://[a-z0-9.\-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")
"""As a browser writes an origin; `*` and `null` are nobody's."""
_ADDRESS = re.compile(r"https?://[^/\s]")

Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]
"""Comma-separated words."""


class UnsafeStartError(ValueError):
    """Settings under which the service must not start: one sentence for each `problem`."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class Settings(BaseSettings):
    """The settings of one running service.

    Raises UnsafeStartError for a variable that is no setting but named like one, and for a value that does not fit; the
    value itself, which may be a secret, is never told.
    """

    model_config = SettingsConfigDict(env_prefix=environment.PREFIX, frozen=True, extra="forbid")

    config: Path | None = Field(None, description="Folder of tables to use instead of the ones shipped.")
    site_vocabulary: Path | None = Field(None, description="Folder of a site's own codes, one YAML file or more.")
    fhir_base: str = Field("https://example.org/fhir/telecode", description="Base of telecode's own code systems.")
    hook_name: str = Field("org.example.telecode.note-sign", description="Name of the note-sign hook.")
    hook_aliases: Words = Field((), description="Other names under which an EHR fires the note-sign hook.")
    strict: bool = Field(False, description="Show no candidates for dates past the verified rules.")
    optional_modifiers: OptionalModifiers = Field(
        OptionalModifiers.POLICY,
        description="Modifiers a payer leaves open: policy (shown as optional), always, never.",
    )
    complete_history: bool = Field(
        False,
        description="The EHR's search for encounters holds every visit of the group, so that none found means new.",
    )
    in_person_cards: bool = Field(False, description="Answer in-person visits with a card too.")
    patient_view_triggers: Words = Field(
        (), description="Trigger actions for which patient-view answers; empty: those of the client profile."
    )
    order_sign: bool = Field(False, description="Offer order-sign too, for EHRs in which an E/M code is an order.")
    cds_hooks_version: Literal["2.0", "3.0"] = Field(
        "2.0", description="2.0, or 3.0 to list the versions of CDS Hooks and of each hook in discovery."
    )
    client: str = Field("generic", description="Client profile of EHRs to which the trust list gives none.")
    client_profiles: Path | None = Field(None, description="A site's own client profiles, one YAML file (see below).")
    public_url: Words = Field(
        (),
        description="The https addresses under which EHRs reach the service, comma-separated; without authentication "
        "and with pages on, cards link to the first.",
    )
    cors_origins: Words = Field((), description="Exact origins that may call from a browser.")
    fhir_allow: Words = Field(
        ("http://127.0.0.1:8103/fhir/R4",),
        description="FHIR bases that may be called for what prefetch lacks; in production none unless set.",
    )
    fhir_deadline: float = Field(0.4, gt=0, le=10, description="Seconds for all FHIR calls of one request together.")
    fhir_post_search: Words = Field(
        (), description="FHIR bases that are searched by POST, so that ids of patients stay out of their access logs."
    )
    fhir_private: bool = Field(False, description="Call FHIR bases at private addresses and on this machine too.")
    fhir_ca: FilePath | None = Field(
        None, description="File of the certificates that sign those of FHIR servers; unset, the public ones."
    )
    max_body: int = Field(5 * 1024 * 1024, gt=0, le=1024**3, description="Largest request body, in bytes.")
    database_url: str = Field(
        "sqlite:///telecode.db",
        repr=False,
        description="Where suggestions and feedback are kept: sqlite:///FILE, or postgresql://... for many machines.",
    )
    retention_days: int = Field(
        730, ge=0, description="Days after which `telecode store forget` drops cards and feedback; 0 keeps them."
    )
    stored_time: StoredTime = Field(
        StoredTime.HOUR, description="To what stored times are rounded down, in UTC: hour, day, or exact (not rounded)."
    )
    digest_key: SecretStr | None = Field(
        None,
        description="Secret of 32 characters or more by which repeated feedback is known, the same for all instances "
        "of one database; needed with PostgreSQL in production. Unset, it is made once in a file beside the database.",
    )
    override_systems: Words = Field(
        (),
        description="Code systems of others whose override reasons are kept as sent; all else is counted as other.",
    )
    auth: Literal["off", "required"] = Field("off", description="Client authentication: off, or required.")
    trust: Path | None = Field(
        None, description="The EHRs that may call: a YAML file, or a folder of them (see below)."
    )
    answer_without_replay_check: bool = Field(
        False,
        description="Answer hooks while the store cannot tell whether a token was used before; unset, they get 503.",
    )
    environment: Literal["development", "production"] | None = Field(
        None, description="development or production; unset, only what listens on loopback is in development."
    )
    api: bool = Field(False, description="Serve /api in production too, behind the same authentication.")
    page: bool = Field(False, description="Serve the page at / in production too, behind the same authentication.")
    notice: float = Field(
        3.0,
        ge=0,
        le=60,
        description="Seconds between SIGTERM, from when /readyz answers 503, and the closing of the door.",
    )
    host: str = Field("", description="The address listened on; `telecode serve` sets it.")
    allow_unauthenticated: bool = Field(
        False,
        description="Answer everybody in production too: for a trusted test network alone; each start warns of it.",
    )

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - what pydantic takes
        fields = type(self).model_fields
        lists = [name for name, setting in fields.items() if setting.annotation == tuple[str, ...]]
        wrong = list(environment.complaints(os.environ, fields, lists=lists, others=(TOKEN,)))
        if wrong:
            raise UnsafeStartError(*wrong)
        try:
            super().__init__(**given)
        except ValidationError as refused:
            raise UnsafeStartError(*map(_unfit, refused.errors(include_input=False))) from None

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        if not all(ORIGIN.fullmatch(origin) for origin in origins):
            raise ValueError("an origin is scheme://host or scheme://host:port, in small letters and without a path")
        return origins

    @field_validator("fhir_base")
    @classmethod
    def _without_slash(cls, url: str) -> str:
        return url.rstrip("/")

    @property
    def addresses(self) -> tuple[str, ...]:
        """The public addresses, without a slash at their ends; a token is made for one of them."""
        return tuple(address.rstrip("/") for address in self.public_url)

    @property
    def development(self) -> bool:
        """Whether this is a developer's service: told so, or bound to loopback and not told otherwise."""
        if self.environment is None:
            return self.host in LOOPBACK
        return self.environment == "development"

    @property
    def page_address(self) -> str | None:
        """The public address of the pages, where a person who follows a link can open them: a browser has no token."""
        return next(iter(self.addresses), None) if self.shows_page and self.auth == "off" else None

    @property
    def shows_page(self) -> bool:
        """Whether there is a page for people: always in development, in production if it is turned on."""
        return self.page or self.development

    @property
    def fhir_bases(self) -> tuple[str, ...]:
        """The FHIR bases that may be called: the one of a developer's machine is none of production's."""
        return self.fhir_allow if self.development or "fhir_allow" in self.model_fields_set else ()

    @property
    def servers(self) -> Servers:
        """What is said of FHIR servers. Raises ValueError for a base that is none."""
        return Servers(
            bases=frozenset(map(as_base, self.fhir_bases)),
            by_post=frozenset(map(as_base, self.fhir_post_search)),
            deadline=self.fhir_deadline,
            private=self.fhir_private,
            authorities=self.fhir_ca,
            development=self.development,
        )

    @property
    def is_open(self) -> bool:
        """Whether production answers everybody, because it was told to."""
        return self.auth == "off" and not self.development

    def check_start(self) -> None:
        """Refuse what must not run. Raises UnsafeStartError with all that `unsafe` finds."""
        if found := tuple(self.unsafe()):
            raise UnsafeStartError(*found)

    def unsafe(self) -> Iterator[str]:
        """What of these settings must not run, one sentence each.

        Authentication off in production, whatever it is bound to, or off while a trust list is given; required with
        nobody to trust or no public address to be called by; an address in clear text; PostgreSQL without the key of
        its digests. A FHIR base that is none, and a key that is too short, are refused anywhere.
        """
        for name, urls in (("FHIR_ALLOW", self.fhir_allow), ("FHIR_POST_SEARCH", self.fhir_post_search)):
            try:
                list(map(as_base, urls))
            except ValueError as refused:
                yield f"TELECODE_{name}: {refused}"
        if not all(map(_ADDRESS.match, self.public_url)):
            yield "TELECODE_PUBLIC_URL holds what is no address: it begins with https:// or http://"
        yield from self._unsafe_authentication()
        yield from self._unsafe_digest_key()
        if self.development:
            return
        if self.database_url.startswith("sqlite") and key_file(self.database_url) is None:
            yield "TELECODE_DATABASE_URL names no file: each worker would remember tokens and feedback by itself"
        for name, urls in (("PUBLIC_URL", self.public_url), ("FHIR_ALLOW", self.fhir_bases)):
            if not all(is_safe(url) for url in urls):
                yield f"TELECODE_{name} holds an address that production does not take: it must be https"

    def _unsafe_authentication(self) -> Iterator[str]:
        if self.auth == "required":
            if self.trust is None or not self.public_url:
                yield "TELECODE_AUTH=required needs TELECODE_TRUST and TELECODE_PUBLIC_URL"
            if self.allow_unauthenticated:
                yield "TELECODE_AUTH=required and TELECODE_ALLOW_UNAUTHENTICATED contradict each other: unset one"
        elif self.trust is not None:
            yield "TELECODE_TRUST is given but authentication is off: set TELECODE_AUTH=required, or unset it"
        elif self.is_open and not self.allow_unauthenticated:
            yield (
                "authentication is off, and production needs it whatever it is bound to: set TELECODE_AUTH=required; "
                "or, on a developer's machine, TELECODE_ENVIRONMENT=development; or, on a trusted test network, "
                "TELECODE_ALLOW_UNAUTHENTICATED=true"
            )
        elif self.development and self.environment is None and not all(map(_is_own, self.public_url)):
            yield (
                "TELECODE_PUBLIC_URL names another machine's address, and authentication is off: set "
                "TELECODE_ENVIRONMENT, to production or to development"
            )

    def _unsafe_digest_key(self) -> Iterator[str]:
        if self.digest_key is not None:
            if len(self.digest_key.get_secret_value()) < SHORTEST:
                yield f"TELECODE_DIGEST_KEY is shorter than {SHORTEST} characters"
        elif self.database_url.startswith("postgres") and not self.development:
            yield "PostgreSQL needs TELECODE_DIGEST_KEY, the same for all instances: `openssl rand -hex 32` makes one"

    @property
    def options(self) -> Options:
        """The choices that the coding rules take."""
        return Options(strict=self.strict, optional_modifiers=self.optional_modifiers)


def _unfit(error: Any) -> str:  # noqa: ANN401 - pydantic's description of one error
    """One sentence for a value that does not fit, without the value."""
    name = "".join(str(part) for part in error["loc"][:1]).upper()
    return f"{environment.PREFIX}{name}: {error['msg'].removeprefix('Value error, ')}"


def _is_own(url: str) -> bool:
    """Whether an address is of this very machine. One that cannot be read is not."""
    try:
        return urlsplit(url).hostname in LOOPBACK
    except ValueError:
        return False
