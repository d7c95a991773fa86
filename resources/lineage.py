"""The tree of adaptations of an item: its ancestors and what was made from it."""

from __future__ import annotations

import dataclasses

from django.db import connection

from resources.models import LibraryItem

MAX_TREE_NODES = 40


@dataclasses.dataclass
class TreeNode:
    """An item in the tree of adaptations."""

    key: str
    title: str
    origin: str
    year: int | None
    language: str
    is_this: bool
    children: list[TreeNode] = dataclasses.field(default_factory=list)


def build_tree(item: LibraryItem, *, audience: str) -> tuple[TreeNode | None, int]:
    """The tree from the oldest ancestor down, and the number of nodes left out because it would be too long.

    Items that the audience may not see are skipped: their adaptations become children of the nearest ancestor shown.
    None if the item has neither ancestors nor adaptations.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE up AS (
              SELECT id, adapted_from_id, 0 AS step FROM resources_libraryitem WHERE id = %(start)s
              UNION ALL
              SELECT p.id, p.adapted_from_id, up.step + 1
              FROM resources_libraryitem p JOIN up ON p.id = up.adapted_from_id WHERE up.step < 50
            ), down AS (
              (SELECT id, NULL::bigint AS parent_id, 0 AS depth FROM up ORDER BY step DESC LIMIT 1)
              UNION ALL
              SELECT c.id, c.adapted_from_id, down.depth + 1
              FROM resources_libraryitem c JOIN down ON c.adapted_from_id = down.id WHERE down.depth < 50
            )
            SELECT d.id, d.parent_id, i.key, i.title, i.origin, i.year, i.language, i.live, i.visibility
            FROM down d JOIN resources_libraryitem i ON i.id = d.id
            ORDER BY d.depth, i.year NULLS FIRST, i.title
            LIMIT 500
            """,
            {"start": item.pk or (item.adapted_from_id or 0)},
        )
        rows = cursor.fetchall()
    nodes: dict[int, TreeNode] = {}
    replaced_by: dict[int, int | None] = {}  # a node that is skipped -> its nearest ancestor that is shown
    root: TreeNode | None = None
    shown = hidden = 0
    for pk, parent_id, key, title, origin, year, language, live, visibility in rows:
        while parent_id in replaced_by:
            parent_id = replaced_by[parent_id]
        is_this = pk == item.pk
        is_readable = live and (audience == "members" or visibility == LibraryItem.Audience.PUBLIC)
        if not is_readable and not is_this:
            replaced_by[pk] = parent_id
            continue
        if shown >= MAX_TREE_NODES and not is_this:
            hidden += 1
            replaced_by[pk] = parent_id
            continue
        shown += 1
        node = TreeNode(key, title, origin, year, language, is_this)
        nodes[pk] = node
        parent = nodes.get(parent_id) if parent_id else None
        if parent is not None:
            parent.children.append(node)
        elif root is None:
            root = node
        elif is_this:  # its ancestors are not readable and another node became the root
            root.children.append(node)
    return (root, hidden) if shown > 1 else (None, 0)
