"""The workbench: the pages on which a person tries a visit, checks a rule, and sees how cards fare."""

from __future__ import annotations

from datetime import UTC, date, datetime

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response

from cds_hooks import __version__
from cds_hooks.cards.words import FACT_LABELS, confidence, said
from cds_hooks.web.calculator import LEVELS, Form, Worked, load_form, work
from cds_hooks.web.hooks import telecode
from cds_hooks.web.rules import look_up
from fhir_mapping.tables import config_folder

bp = Blueprint("page", __name__, static_folder="static", static_url_path="/page", template_folder="templates")
TABS = {"page.calculator": "Calculator", "page.rules": "Rules"}
"""The tabs in their order: the route, and what it is called."""


@bp.record_once
def _open(state: BlueprintSetupState) -> None:
    """Read what the pages need beside the law: a slip in it stops the start like any other."""
    settings = state.app.extensions["telecode"].settings
    state.app.extensions["calculator"] = load_form(config_folder(settings.config))


@bp.app_context_processor
def _everywhere() -> dict[str, object]:
    """What every template may use."""
    return {
        "tabs": TABS,
        "version": __version__,
        "book": telecode().book,
        "said": said,
        "confidence": confidence,
        "fact_labels": FACT_LABELS,
    }


@bp.get("/")
def front() -> Response:
    """Lead a visitor to the first tab."""
    return redirect(url_for("page.calculator"))


@bp.get("/calculator")
def calculator() -> tuple[str, int]:
    """The facts as a form, and what the rules make of those in the query string."""
    found = _worked()
    status = 400 if found.fault else 200
    return render_template("calculator.html", form=_form(), levels=LEVELS, worked=found, payers=_payers()), status


@bp.get("/calculator/outcome")
def calculator_outcome() -> tuple[str, int]:
    """The answer alone, for a form that changes as it is filled in."""
    found = _worked()
    return render_template("_outcome.html", form=_form(), worked=found), 400 if found.fault else 200


@bp.get("/rules")
def rules() -> tuple[str, int]:
    """The code tables and payer policies of a date of service, and what changed between two."""
    found = look_up(request.args, telecode().book, today())
    return render_template("rules.html", rules=found, payers=_payers()), 400 if found.fault else 200


def _worked() -> Worked:
    service = telecode()
    return work(request.args.items(multi=True), service.book, service.settings.options, today())


def _form() -> Form:
    found: Form = current_app.extensions["calculator"]
    return found


def _payers() -> list[tuple[str, str]]:
    """The payers that facts may name, by what they are called."""
    book = telecode().book
    named = [(payer, book.payers[payer].name) for payer in book.selectable_payers()]
    return sorted(named, key=lambda one: one[1].casefold().removeprefix("a "))


def today() -> date:
    """The day it is, where a visitor states none; it never stands for a date that is unknown."""
    return datetime.now(UTC).date()
