from django.forms.renderers import DjangoTemplates


class USWDSRenderer(DjangoTemplates):
    """Renders forms with the design system's markup."""
