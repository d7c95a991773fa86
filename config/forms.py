"""The renderer of all forms: the design system's markup (templates/django/forms)."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.forms.renderers import TemplatesSetting
from django.http import HttpRequest
from django.utils.translation import gettext as _

# Django's label for "nothing chosen", which a screen reader would spell out.
BLANK_CHOICE_LABEL = models.BLANK_CHOICE_DASH[0][1]
DJANGO_WIDGETS = "django/forms/widgets/"
CLASS_BY_TYPE = {
    "checkbox": "usa-checkbox__input",
    "file": "usa-file-input",
    "hidden": "",
    "radio": "usa-radio__input",
    "range": "usa-range",
}
CLASS_BY_TEMPLATE = {
    "select.html": "usa-select",
    "textarea.html": "usa-textarea",
    # These two are lists of inputs: the class belongs on each input, not on the list.
    "checkbox_select.html": "",
    "radio.html": "",
}


class USWDSRenderer(TemplatesSetting):
    """Renders `{{ form }}`, `{{ field.as_field_group }}` and `{{ field }}` with the design system's markup.

    Widgets keep Django's templates and attributes and only gain classes, so that code that builds on them,
    like Wagtail's editor, keeps working.
    """

    form_template_name = "django/forms/div.html"
    field_template_name = "django/forms/field.html"

    def render(self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None) -> str:
        if template_name.startswith(DJANGO_WIDGETS) and "widget" in context:
            add_css_classes(context["widget"])
        return super().render(template_name, context, request)


def add_css_classes(widget: dict[str, Any]) -> None:
    """Add the design system's classes to the context of a widget, of its subwidgets and of its options."""
    attrs = widget["attrs"]
    name = widget["template_name"].removeprefix(DJANGO_WIDGETS)
    css = CLASS_BY_TEMPLATE.get(name)
    if css is None:
        css = CLASS_BY_TYPE.get(widget.get("type", ""), "usa-input")
    if css and css not in CLASS_BY_TYPE.values() and attrs.get("aria-invalid"):
        css += " usa-input--error"
    if css:
        attrs["class"] = f"{css} {attrs.get('class', '')}".rstrip()
    for subwidget in widget.get("subwidgets", []):
        add_css_classes(subwidget)
    if name == "select.html":
        for _name, options, _number in widget["optgroups"]:
            for option in options:
                if option["label"] == BLANK_CHOICE_LABEL:
                    option["label"] = _("Choose one")
    if name in {"checkbox_select.html", "radio.html"}:
        for _name, options, _number in widget["optgroups"]:
            for option in options:
                # Without the list's class, and without aria-invalid, which a radio button may not have.
                option["attrs"] = {
                    k: v for k, v in option["attrs"].items() if k not in {"class", "aria-invalid"}
                }
                option["attrs"]["class"] = CLASS_BY_TYPE[option["type"]]
