"""The door for people: what a developer's browser finds at the service's address."""

from flask import Blueprint, redirect, url_for
from werkzeug.wrappers import Response

bp = Blueprint("page", __name__)


@bp.get("/")
def front() -> Response:
    """Lead a visitor to what the service offers."""
    return redirect(url_for("hooks.discovery"))
