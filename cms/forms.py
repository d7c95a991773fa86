"""Forms of Wagtail's editor, which refuse an address at which a page could not be reached."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from wagtail.admin.forms import WagtailAdminPageForm
from wagtail.admin.forms.pages import CopyForm


class SitePageForm(WagtailAdminPageForm):
    """Tells a new page below which page it will be, so that `SitePage.clean` can check its slug there."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.future_parent = self.parent_page


class SitePageCopyForm(CopyForm):
    """Refuses a slug at which the copy could not be reached."""

    def clean(self) -> dict[str, Any]:
        cleaned_data: dict[str, Any] = super().clean()
        parent = cleaned_data.get("new_parent_page") or self.page.get_parent()
        try:
            self.page.specific.check_slug(cleaned_data.get("new_slug", ""), parent)
        except ValidationError as error:
            self.add_error("new_slug", error.messages)
        return cleaned_data
