"""Forms look the same everywhere: one renderer with the design system's markup (templates/django/forms)."""

from django.forms.renderers import TemplatesSetting


class USWDSRenderer(TemplatesSetting):
    """Renders `{{ form }}` and `{{ field.as_field_group }}` from templates/django/forms."""

    form_template_name = "django/forms/div.html"
    field_template_name = "django/forms/field.html"
