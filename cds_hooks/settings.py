"""What a site may set: every setting is an environment variable `TELECODE_...`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from cds_hooks.coding.billing import OptionalModifiers
from cds_hooks.coding.select import Options


def _words(value: object) -> object:
    return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]
"""Comma-separated words."""


class Settings(BaseSettings):
    """The settings of one running service."""

    model_config = SettingsConfigDict(env_prefix="TELECODE_", frozen=True, extra="ignore")

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
        (), description="Trigger actions for which patient-view answers; empty: whenever an encounter is named."
    )
    public_url: str | None = Field(None, description="The https address under which EHRs reach the service.")
    cors_origins: Words = Field((), description="Exact origins that may call from a browser.")
    fhir_allow: Words = Field(
        ("http://127.0.0.1:8103/fhir/R4",), description="FHIR bases that may be called for what prefetch lacks."
    )
    fhir_deadline: float = Field(0.4, gt=0, le=10, description="Seconds for all FHIR calls of one request together.")
    max_body: int = Field(5 * 1024 * 1024, gt=0, description="Largest request body, in bytes.")
    database_url: str = Field(
        "sqlite:///telecode.db",
        repr=False,
        description="Where suggestions and feedback are kept: sqlite:///FILE, or postgresql://... for many machines.",
    )
    retention_days: int = Field(
        730, ge=0, description="Days after which `telecode store forget` drops cards and feedback; 0 keeps them."
    )
    auth: Literal["off"] = Field("off", description="Client authentication; only off is built so far.")

    @field_validator("fhir_base", "public_url")
    @classmethod
    def _without_slash(cls, url: str | None) -> str | None:
        return url.rstrip("/") if url else None

    @property
    def options(self) -> Options:
        """The choices that the coding rules take."""
        return Options(strict=self.strict, optional_modifiers=self.optional_modifiers)
