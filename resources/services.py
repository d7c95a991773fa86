"""What is done to the library. The editor, commands and the demo call these."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import User
from resources.imports import items
from resources.models import LibraryItem, SynonymGroup
from tenants.models import Sector, Topic


@dataclasses.dataclass(frozen=True)
class Tally:
    """How many were added, changed, and found unchanged."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0


@transaction.atomic
def publish(item: LibraryItem, *, by: User | None) -> LibraryItem:
    """Check an item, save it as a revision and show it. Announces `library_item_changed`.

    Raises ValidationError by field.
    """
    item.full_clean()
    if item.pk is None:
        item.live = False
        item.save()
    item.save_revision(user=by, log_action=True, clean=False).publish(user=by, skip_permission_checks=True)
    item.refresh_from_db()
    return item


@transaction.atomic
def withdraw(item: LibraryItem, *, by: User | None) -> LibraryItem:
    """Take an item out of the library; its revisions stay. Announces `library_item_changed`."""
    item.unpublish(user=by)
    return item


@transaction.atomic
def import_items(
    lines: Iterable[str],
    *,
    by: User | None,
    progress: Callable[[list[Any]], Iterable[Any]] = iter,
) -> Tally:
    """Publish the items of a JSON Lines text; an item whose key is there already is updated.

    All or nothing. Raises ValidationError with one message per fault: line, field, value and remedy.
    """
    parsed, faults = items.parse_lines(lines)
    if faults:
        raise ValidationError(faults)
    known = {
        item.key: item for item in LibraryItem.objects.filter(key__in=[row.fields["key"] for row in parsed])
    }
    parents = dict(LibraryItem.objects.values_list("key", "pk"))
    added = changed = unchanged = 0
    for row in progress(items.sort_parents_first(parsed)):
        fields = dict(row.fields)
        parent_key = fields.pop("adapted_from")
        fields["adapted_from_id"] = parents[parent_key] if parent_key else None
        item = known.get(fields["key"])
        if (
            item is not None
            and item.live
            and all(getattr(item, name) == value for name, value in fields.items())
        ):
            unchanged += 1
            continue
        added, changed = (added, changed + 1) if item else (added + 1, changed)
        item = item or LibraryItem()
        for name, value in fields.items():
            setattr(item, name, value)
        parents[item.key] = publish(item, by=by).pk
    return Tally(added, changed, unchanged)


@transaction.atomic
def import_taxonomy(topics: list[Mapping[str, Any]], synonyms: Iterable[str]) -> tuple[Tally, Tally]:
    """Take over topics, their sectors, and groups of synonyms; returns a tally of the topics and one of the groups.

    Topics are known by slug, groups by their terms. Raises ValidationError with one message per fault.
    """
    faults = items.validate_topics(topics)
    groups, group_faults = items.parse_synonyms(synonyms)
    if faults or group_faults:
        raise ValidationError([*faults, *group_faults])
    sectors = items.collect_sectors(topics)
    for position, (slug, label, label_es) in enumerate(sectors, start=1):
        Sector.objects.update_or_create(
            slug=slug, defaults={"label": label, "label_es": label_es, "position": position}
        )
    of_topics = [0, 0, 0]
    known = {topic.slug: topic for topic in Topic.objects.all()}
    for row in topics:
        fields = items.topic_fields(row)
        topic = known.get(row["slug"])
        if topic is None:
            Topic.objects.create(slug=row["slug"], **fields)
            of_topics[0] += 1
        elif any(getattr(topic, name) != value for name, value in fields.items()):
            Topic.objects.filter(pk=topic.pk).update(**fields)
            of_topics[1] += 1
        else:
            of_topics[2] += 1
    there = {frozenset(group.terms): group for group in SynonymGroup.objects.all()}
    new = [group for group in groups if frozenset(group[1]) not in there]
    SynonymGroup.objects.bulk_create(SynonymGroup(theme=theme, terms=terms) for theme, terms in new)
    return Tally(*of_topics), Tally(len(new), 0, len(groups) - len(new))
