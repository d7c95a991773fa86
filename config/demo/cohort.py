"""Loads the sample cohort through the portal's services, and lists its addresses and sign-ins."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import transaction
from django_tenants.utils import schema_context, tenant_context
from wagtail.documents.models import Document

from accounts.models import User
from cms.models import NarrativePage
from cms.site_setup import set_up_alliance_site
from config.demo import documents
from config.demo.milestones import name_milestones
from config.demo.sample_data import ALLIANCE_CONTACT, JURISDICTIONS, PASSWORD, PROGRESS, STAFF
from resources import services as library
from resources.models import Attachment, LibraryItem
from tenants.jurisdictions import services
from tenants.jurisdictions.pictures import change_picture
from tenants.models import Jurisdiction, Role, Visibility
from tenants.people import affiliations
from tenants.plans import imports as plan_imports
from tenants.plans import services as plan_services
from tenants.plans.models import Action, Plan

DATA = Path(__file__).parent / "data"
LIBRARY = settings.BASE_DIR / "resources" / "demo"
Log = Callable[[str], None]


def load(*, log: Log) -> None:
    """Create what is missing of the sample cohort; existing jurisdictions keep their visitors' changes."""
    with schema_context("public"):
        alliance = Jurisdiction.objects.get(schema_name="public")
        existing_slugs = set(Jurisdiction.objects.tenants().values_list("slug", flat=True))
        has_library = LibraryItem.objects.exists()
    if "marrow-bend" not in existing_slugs:
        create_alliance_staff(alliance)
        set_up_alliance_site()
    if not has_library:
        log("the shared library: 150 items")
        with schema_context("public"):
            load_library()
    with schema_context("public"):
        attach_files()
    for sample in JURISDICTIONS:
        if sample["slug"] not in existing_slugs:
            log(sample["registry"]["name"])
            open_sample_jurisdiction(sample)
    write_sign_ins()


def load_library() -> None:
    """Import the topics, the groups of synonyms and the 150 items."""
    call_command("import_taxonomy", LIBRARY / "topics.json", LIBRARY / "synonyms.txt", verbosity=0)
    call_command("import_library", LIBRARY / "items.jsonl", verbosity=0)


@transaction.atomic
def attach_files() -> None:
    """Give items of the library their files, unless curators have given them some."""
    for file in documents.demo_files():
        item = LibraryItem.objects.filter(key=file.key, attachments=None).first()
        if item is None:
            continue
        document = Document(title=file.title)
        document.file_size = len(file.content)
        document.file.save(f"{file.key}.{file.format}", ContentFile(file.content))
        item.attachments.add(
            Attachment(title=file.title, kind=file.kind, language=file.language, document=document)
        )
        library.publish(item, by=None)


@transaction.atomic
def create_alliance_staff(alliance: Jurisdiction) -> None:
    services.change_jurisdiction(alliance, by=None, name=settings.ALLIANCE_NAME, **ALLIANCE_CONTACT)
    for first, last, role, title in STAFF:
        user = get_or_create_user(first, last, "commontable.example")
        affiliations.affiliate(user, alliance, roles=[Role(role)], by=None, title=title)


def get_or_create_user(first: str, last: str, domain: str) -> User:
    """Get or create a sample user with the demo's password."""
    email = f"{first}.{last}@{domain}".lower().replace("í", "i")
    with schema_context("public"):
        user = User.objects.filter(email=email).first()
        return user or User.objects.create_user(email, PASSWORD, first_name=first, last_name=last)


@transaction.atomic
def open_sample_jurisdiction(sample: dict[str, Any]) -> None:
    """Create one sample jurisdiction with its people, plan, progress and narrative, in one transaction."""
    registry = sample["registry"] | {"is_sample": True}
    jurisdiction = services.open_jurisdiction(
        name=registry.pop("name"), slug=sample["slug"], by=None, **registry
    )
    with schema_context("public"):
        people = [
            (get_or_create_user(first, last, f"{sample['slug']}.example"), role, title, department)
            for first, last, role, title, department in sample["people"]
        ]
        for user, role, title, department in people:
            affiliations.affiliate(
                user,
                jurisdiction,
                roles=[Role(role)],
                by=None,
                title=title,
                department=department,
                is_public=True,
            )
    coordinator = people[0][0]
    with tenant_context(jurisdiction):
        with (DATA / "logos" / f"{jurisdiction.slug}.png").open("rb") as logo:
            jurisdiction.logo.save(f"{jurisdiction.slug}.png", File(logo), save=False)
        jurisdiction.save(update_fields=["logo"])
        if picture := sample.get("picture"):
            content = (DATA / "pictures" / picture["file"]).read_bytes()
            change_picture(
                jurisdiction, content=content, alt=picture["alt"], credit=picture["credit"], by=None
            )
        if sample["sheet"]:
            import_plan(sample, by=coordinator)
        if narrative := json.loads((DATA / "narratives.json").read_text(encoding="utf-8")).get(
            sample["slug"]
        ):
            publish_narrative(narrative, by=coordinator)


def import_plan(sample: dict[str, Any], *, by: User) -> None:
    """Import the plan from its sheet, record its adoption and progress, and publish it, as the sample says."""
    file = DATA / sample["sheet"]
    plan_imports.import_sheet(filename=file.name, content=file.read_bytes(), by=by)
    plan = Plan.objects.in_force().get()
    name_milestones(sample["slug"])
    plan_services.edit_plan(plan, by=by, **parse_dates(sample["plan"]))
    if adopted := sample["adopted"]:
        plan_services.adopt(plan, by=by, **parse_dates(adopted))
    for update in PROGRESS.get(sample["slug"], []):
        record_progress(update, by=by)
    if sample["published"]:
        plan.refresh_from_db()
        plan_services.publish_plan(plan, by=by, visibility=Visibility.PUBLIC, launch=True)


def parse_dates(values: dict[str, str]) -> dict[str, Any]:
    """The same values, with ISO dates parsed: {"on": date(2025, 1, 14)}."""
    return {
        name: dt.date.fromisoformat(value) if value[:4].isdigit() and len(value) == 10 else value
        for name, value in values.items()
    }


def record_progress(update: dict[str, str], *, by: User) -> None:
    actions = Action.objects.current().in_plan_order()
    action = actions.get(number=update["number"]) if "number" in update else actions[int(update["index"])]
    plan_services.record_progress(
        action,
        by=by,
        on=dt.date.fromisoformat(update["on"]),
        status=update["status"],
        text=update["text"],
        reason=update.get("reason", ""),
        next_step=update["next_step"],
    )


def publish_narrative(narrative: dict[str, Any], *, by: User) -> None:
    """Fill in the narrative page and publish it, as a coordinator does in the editor."""
    codes = dict(Action.objects.current().exclude(number="").values_list("number", "code"))
    page = NarrativePage.objects.get()
    for name in ("headline", "lead", "written_by", "next_review"):
        setattr(page, name, narrative.get(name, ""))
    page.body = [with_action_codes(block, codes) for block in narrative["body"]]
    page.save_revision(user=by).publish(user=by, skip_permission_checks=True)


def with_action_codes(block: dict[str, Any], codes: dict[str, str]) -> dict[str, Any]:
    """The block with "@16" replaced by the code of the action with number 16 in the sheet."""
    if block["type"] != "actions":
        return block
    chosen = [codes[number.removeprefix("@")] for number in block["value"]["actions"]]
    return {"type": "actions", "value": block["value"] | {"actions": chosen}}


def sign_ins() -> list[dict[str, str]]:
    """The sign-in of every sample user: [{"role": …, "name": …, "email": …, "password": …, "url": …}]."""
    entries = []
    with schema_context("public"):
        alliance = Jurisdiction.objects.get(schema_name="public")
        for first, last, role, _title in STAFF:
            url = alliance.build_url("staff:index" if role != "library_curator" else "wagtailadmin_home")
            email = f"{first}.{last}@commontable.example".lower().replace("í", "i")
            entries.append(sign_in_entry(role, alliance.short_name, first, last, email, url))
        for sample in JURISDICTIONS:
            jurisdiction = Jurisdiction.objects.get(slug=sample["slug"])
            for first, last, role, *_rest in sample["people"]:
                url = (
                    jurisdiction.build_url("plans:home")
                    if role != "member"
                    else alliance.build_url("search:results")
                )
                email = f"{first}.{last}@{jurisdiction.slug}.example".lower()
                entries.append(sign_in_entry(role, jurisdiction.short_name, first, last, email, url))
    return entries


def sign_in_entry(
    role: str, jurisdiction: str, first: str, last: str, email: str, url: str
) -> dict[str, str]:
    return {
        "role": f"{Role(role).label}, {jurisdiction}",
        "name": f"{first} {last}",
        "email": email,
        "password": PASSWORD,
        "url": url,
    }


def write_sign_ins() -> None:
    """Write the list to the file that the demo's page of sign-ins reads."""
    settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
    (settings.VAR_DIR / "demo.json").write_text(json.dumps(sign_ins(), indent=1), encoding="utf-8")


def overview() -> str:
    """The addresses and sign-ins of the demo, as lines for a terminal."""
    with schema_context("public"):
        alliance = Jurisdiction.objects.get(schema_name="public")
        jurisdictions = list(Jurisdiction.objects.tenants().filter(is_sample=True).order_by("name"))
    lines = ["", f"{settings.ALLIANCE_NAME}", f"  {alliance.base_url}", ""]
    lines += ["Sample sites, none of them a real place"]
    for jurisdiction in jurisdictions:
        note = jurisdiction.get_entry_stage_display() + (
            "" if jurisdiction.is_launched else ", site not launched"
        )
        lines.append(f"  {jurisdiction.base_url:<40} {note}")
    lines += ["", f"Sign in with one of these and the password “{PASSWORD}”"]
    lines += [f"  {entry['email']:<40} {entry['role']}" for entry in sign_ins()]
    lines += ["", f"  Sent email can be read at {alliance.build_url('demo:mail')}", ""]
    return "\n".join(lines)
