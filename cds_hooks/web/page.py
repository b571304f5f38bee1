"""The workbench: the pages on which a person tries a visit, checks a rule, and sees how cards fare."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, render_template, request
from flask.blueprints import BlueprintSetupState

from cds_hooks import __version__
from cds_hooks.cards.words import FACT_LABELS, confidence, said
from cds_hooks.samples import Sample, load_samples
from cds_hooks.web.body import read_object
from cds_hooks.web.calculator import LEVELS, Form, Worked, load_form, work
from cds_hooks.web.days import today
from cds_hooks.web.elsewhere import VisitNotRead, read_visit
from cds_hooks.web.hooks import ledger, telecode
from cds_hooks.web.rules import look_up
from cds_hooks.web.visits import Picked, pick, pick_elsewhere
from fhir_mapping.tables import config_folder

bp = Blueprint("page", __name__, static_folder="static", static_url_path="/page", template_folder="templates")
TABS = {"page.visits": "Visits", "page.calculator": "Calculator", "page.rules": "Rules", "page.activity": "Activity"}
"""The tabs in their order: the route, and what it is called."""


@bp.record_once
def _open(state: BlueprintSetupState) -> None:
    """Read what the pages need beside the law: a slip in it stops the start like any other."""
    settings = state.app.extensions["telecode"].settings
    folder = config_folder(settings.config)
    state.app.extensions["calculator"] = load_form(folder)
    state.app.extensions["samples"] = load_samples(folder)


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
def visits() -> tuple[str, int]:
    """The sample visits, and the one picked with the request that the browser sends for it."""
    picked = pick(_samples(), telecode().offer.services, request.args.get("sample", ""))
    fault = "" if picked else "There is no sample visit of that name; the first one is shown."
    return _visits(picked, fault), 200 if picked else 404


@bp.post("/visits/read")
def read() -> tuple[str, int]:
    """A visit from a FHIR server; its id is posted, for what names a visit has no place in an address."""
    try:
        asked = read_visit(telecode(), request.form.get("base", ""), request.form.get("encounter", "").strip())
    except VisitNotRead as missed:
        return _visits(None, missed.why), missed.status
    return _visits(pick_elsewhere(asked, telecode().offer.services), ""), 200


@bp.post("/visits/detail")
def detail() -> Response:
    """A card's detail, sent as `{"detail": "..."}`, as HTML to be shown on the page."""
    from cds_hooks.web.drawn import drawn  # noqa: PLC0415 - a service without its page needs no Markdown reader

    body = read_object(request, telecode().settings.max_body)
    return Response(drawn(str(body.get("detail", ""))), mimetype="text/html")


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


@bp.get("/activity")
def activity() -> tuple[str, int]:
    """How cards fare, from the store: over time, by code, and why they are overridden."""
    from cds_hooks.web.activity import look_back  # noqa: PLC0415 - a service without its page needs no charts

    found = look_back(request.args, ledger().database, _override_reasons())
    return render_template("activity.html", activity=found), found.status


def _samples() -> tuple[Sample, ...]:
    found: tuple[Sample, ...] = current_app.extensions["samples"]
    return found


def _visits(picked: Picked | None, fault: str) -> str:
    """The visits tab with a visit, or with the first sample and what was at fault."""
    settings = telecode().settings
    services = telecode().offer.services
    return render_template(
        "visits.html",
        samples=_samples(),
        services=services.values(),
        picked=picked or pick(_samples(), services, ""),
        fault=fault,
        bases=settings.fhir_bases if settings.development else (),
        explains="api" in current_app.blueprints,
        signed=settings.auth == "required",
    )


def _override_reasons() -> dict[str, str]:
    return {reason.code: reason.display for reason in telecode().cards.override_reasons}


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
