"""Every page there is, as somebody opens it: what the tests of looks and access walk through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..site import Site
from .desk import shown, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Page

SCREENS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 800}},
    "dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}
ARCHIVE = "00000000-0000-4000-8000-000000000001"
"""Of the exhibition."""
IDS = {
    "image": "SELECT min(i.id) FROM catalog_productimage i"
    " JOIN catalog_user u ON u.merchant_id = i.merchant_id WHERE u.username = 'mia'",
    "checked": "SELECT max(id) FROM catalog_productimage WHERE label_state = 'corrected'",
    "reported": "SELECT max(id) FROM catalog_productimage WHERE complaint_at IS NOT NULL",
    "product": "SELECT min(p.id) FROM catalog_product p"
    " JOIN catalog_user u ON u.merchant_id = p.merchant_id WHERE u.username = 'mia'",
    "category": "SELECT max(id) FROM catalog_category",
    "model": "SELECT min(id) FROM catalog_modelversion",
    "candidate": "SELECT max(id) FROM catalog_modelversion",
    "true": "SELECT min(c.slug) FROM catalog_runrow r JOIN catalog_category c ON c.id = r.label_id"
    " WHERE r.split = 'test'",
    "predicted": "SELECT min(predicted) FROM catalog_runrow WHERE split = 'test'",
    "from": "SELECT min(before_id) FROM catalog_changedanswer",
    "to": "SELECT min(after_id) FROM catalog_changedanswer",
    "run": "SELECT min(id) FROM catalog_trainingrun",
    "failed_run": "SELECT max(id) FROM catalog_trainingrun",
}


@dataclass(frozen=True)
class Visit:
    """One page in one state. `who` signs in ("" is a stranger); `path` may name IDS; `then` brings
    the page into its state; `status` is what the server answers."""

    name: str
    who: str
    route: str
    path: str
    then: Callable[[Page], object] | None = None
    status: int = 200


def _search(page: Page) -> None:
    shown(page)
    page.keyboard.press("s")
    page.get_by_role("option").first.wait_for()


def _help(page: Page) -> None:
    shown(page)
    page.keyboard.press("?")
    page.locator("#help").wait_for()


def _unusable(page: Page) -> None:
    shown(page)
    page.keyboard.press("0")
    page.locator("[data-reason]").first.wait_for()


def _tiles(page: Page) -> None:
    page.locator("[data-page] [name=flag]").first.wait_for()
    page.keyboard.press("x")


def _signed_out(page: Page) -> None:
    """The session ends while the page is open."""
    shown(page)
    page.context.clear_cookies(name="sessionid")
    page.keyboard.press("ArrowRight")
    page.locator("#sign-in-dialog[open]").wait_for()


VISITS = [
    Visit("sign-in", "", "sign-in", "/accounts/sign-in/"),
    Visit("password", "mia", "password", "/accounts/password/"),
    Visit("not-found", "mia", "", "/nowhere/", status=404),
    Visit("denied", "mia", "", "/models/", status=403),
    Visit("upload", "mia", "upload", "/upload/"),
    Visit("photos-of-a-merchant", "mia", "images", "/images/"),
    Visit("photos-none-found", "mia", "images", "/images/?q=nothing-like-it"),
    Visit("photo-of-a-merchant", "mia", "image", "/images/{image}/"),
    Visit("product", "mia", "product", "/products/{product}/"),
    Visit("products", "mia", "products", "/products/"),
    Visit("archive", "mia", "upload-archive", f"/upload/archives/{ARCHIVE}/"),
    Visit("photo-reported", "mia", "image", "/images/{reported}/"),
    Visit("review", "rita", "review", "/review/", shown),
    Visit("review-search", "rita", "review", "/review/", _search),
    Visit("review-keys", "rita", "review", "/review/", _help),
    Visit("review-unusable", "rita", "review", "/review/", _unusable),
    Visit("review-signed-out", "rita", "review", "/review/", _signed_out),
    Visit("grid", "rita", "review-grid", "/review/grid/", _tiles),
    Visit("review-filters", "rita", "review-filters", "/review/filters/"),
    Visit("history", "mira", "review-history", "/review/history/"),
    Visit("history-nothing-found", "mira", "review-history", "/review/history/?image=none"),
    Visit("history-undo", "mira", "review-history-undo", "/review/history/undo/?kind=correct"),
    Visit("agreement", "mira", "review-agreement", "/review/agreement/"),
    Visit("photos", "rita", "images", "/images/"),
    Visit("photo", "rita", "image", "/images/{checked}/"),
    Visit("categories", "mira", "categories", "/categories/"),
    Visit("categories-of-a-reviewer", "rita", "categories", "/categories/"),
    Visit("category", "mira", "category", "/categories/{category}/"),
    Visit("category-examples", "mira", "category-examples", "/categories/{category}/examples/"),
    Visit("models", "mira", "models", "/models/"),
    Visit("model", "mira", "model", "/models/{model}/"),
    Visit(
        "mix-ups",
        "mira",
        "model-confusion",
        "/models/{model}/confusion/?true={true}&predicted={predicted}",
    ),
    Visit(
        "compare",
        "mira",
        "compare-models",
        "/models/compare/?first={model}&second={candidate}",
    ),
    Visit("changes", "mira", "model-changes", "/models/{candidate}/changes/"),
    Visit(
        "changed-photos",
        "mira",
        "changed-photos",
        "/models/{candidate}/changes/photos/?set=open&before={from}&after={to}",
    ),
    Visit("quality", "mira", "quality", "/quality/"),
    Visit("quality-photos", "mira", "quality-photos", "/quality/photos/?changed=1"),
    Visit("similar", "rita", "similar", "/images/{checked}/similar/"),
    Visit("label-queue", "rita", "label-queue", "/models/labels/queue/"),
    Visit("labels", "rita", "labels", "/models/labels/"),
    Visit("run", "mira", "run", "/models/runs/{run}/"),
    Visit("run-failed", "mira", "run", "/models/runs/{failed_run}/"),
]

EMPTY_VISITS = [
    Visit("empty-upload", "mia", "upload", "/upload/"),
    Visit("empty-photos-of-a-merchant", "mia", "images", "/images/"),
    Visit("empty-products", "mia", "products", "/products/"),
    Visit("empty-review", "rita", "review", "/review/"),
    Visit("empty-grid", "rita", "review-grid", "/review/grid/"),
    Visit("empty-history", "rita", "review-history", "/review/history/"),
    Visit("empty-agreement", "rita", "review-agreement", "/review/agreement/"),
    Visit("empty-photos", "rita", "images", "/images/"),
    Visit("empty-labels", "rita", "labels", "/models/labels/"),
    Visit("empty-categories", "mira", "categories", "/categories/"),
    Visit("empty-label-queue", "rita", "label-queue", "/models/labels/queue/"),
    Visit("empty-quality", "rita", "quality", "/quality/"),
    Visit("empty-quality-photos", "rita", "quality-photos", "/quality/photos/"),
    Visit("empty-models", "mira", "models", "/models/"),
    Visit("empty-compare", "mira", "compare-models", "/models/compare/"),
]


class Walker:
    """Opens visits on one browser page, signing in as whom each wants."""

    def __init__(self, site: Site, page: Page) -> None:
        self.site = site
        self.page = page
        self.who = ""
        self.ids: dict[str, Any] = {}

    def open(self, visit: Visit) -> None:
        self._become(visit.who)
        answer = self.page.goto(self.site.address + self._path(visit.path))
        assert answer
        assert answer.status == visit.status, visit.name
        if visit.then:
            visit.then(self.page)

    def _path(self, path: str) -> str:
        for name, query in IDS.items():
            if f"{{{name}}}" in path and name not in self.ids:
                self.ids[name] = self.site.sql(query)[0][0]
        return path.format(**self.ids)

    def _become(self, who: str) -> None:
        """Sessions outlive a visit, but one visit ends its own."""
        cookies = {cookie["name"] for cookie in self.page.context.cookies()}
        if who == self.who and (not who or "sessionid" in cookies):
            return
        self.page.context.clear_cookies()
        self.who = who
        if who:
            sign_in(self.page, self.site, who)
