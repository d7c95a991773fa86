"""The services of the library, for the editor, commands and the demo."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import User
from resources.imports import items, taxonomy
from resources.models import LibraryItem, SynonymGroup
from tenants.models import Sector, Topic


@dataclasses.dataclass(frozen=True)
class ImportCounts:
    """The numbers of rows that were added, changed, and unchanged."""

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
) -> ImportCounts:
    """Publish the items of a JSON Lines text; an item whose key exists is updated.

    All or nothing. Raises ValidationError with one message for each error: line, field, value and remedy.
    """
    parsed, errors = items.parse_lines(lines)
    if errors:
        raise ValidationError(errors)
    keys = [row.fields["key"] for row in parsed]
    existing = {item.key: item for item in LibraryItem.objects.filter(key__in=keys)}
    parents = dict(LibraryItem.objects.values_list("key", "pk"))
    added = changed = unchanged = 0
    for row in progress(items.sort_parents_first(parsed)):
        fields = dict(row.fields)
        parent_key = fields.pop("adapted_from")
        fields["adapted_from_id"] = parents[parent_key] if parent_key else None
        item = existing.get(fields["key"])
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
    return ImportCounts(added, changed, unchanged)


@transaction.atomic
def import_taxonomy(topics: Any, synonyms: Iterable[str]) -> tuple[ImportCounts, ImportCounts]:
    """Import topics, their sectors, and groups of synonyms; returns the counts of the topics and those of the groups.

    A topic is matched by its slug, a group by its terms. Raises ValidationError with one message for each error.
    """
    rows, errors = taxonomy.parse_topics(topics)
    groups, group_errors = taxonomy.parse_synonyms(synonyms)
    if errors or group_errors:
        raise ValidationError([*errors, *group_errors])
    sectors = taxonomy.collect_sectors(rows)
    for position, (slug, label, label_es) in enumerate(sectors, start=1):
        Sector.objects.update_or_create(
            slug=slug, defaults={"label": label, "label_es": label_es, "position": position}
        )
    added = changed = unchanged = 0
    existing_topics = {topic.slug: topic for topic in Topic.objects.all()}
    for row in rows:
        fields = taxonomy.topic_fields(row)
        topic = existing_topics.get(row["slug"])
        if topic is None:
            Topic.objects.create(slug=row["slug"], **fields)
            added += 1
        elif any(getattr(topic, name) != value for name, value in fields.items()):
            Topic.objects.filter(pk=topic.pk).update(**fields)
            changed += 1
        else:
            unchanged += 1
    existing_groups = {frozenset(group.terms) for group in SynonymGroup.objects.all()}
    new_groups = [group for group in groups if frozenset(group[1]) not in existing_groups]
    SynonymGroup.objects.bulk_create(SynonymGroup(theme=theme, terms=terms) for theme, terms in new_groups)
    return ImportCounts(added, changed, unchanged), ImportCounts(
        len(new_groups), 0, len(groups) - len(new_groups)
    )
