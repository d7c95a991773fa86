from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from modelcluster.models import model_from_serializable_data


class RenamedFieldsMixin:
    """Loads revisions that were saved before a field got another name: their JSON holds the old one."""

    RENAMED_FIELDS: ClassVar[Mapping[str, str]] = {}  # old name -> today's name

    @classmethod
    def from_serializable_data(
        cls, data: dict[str, Any], check_fks: bool = True, strict_fks: bool = False
    ) -> Any:
        data = {cls.RENAMED_FIELDS.get(name, name): value for name, value in data.items()}
        base: Any = super()
        if hasattr(base, "from_serializable_data"):
            return base.from_serializable_data(data, check_fks, strict_fks)
        return model_from_serializable_data(cls, data, check_fks=check_fks, strict_fks=strict_fks)
