"""Settings of a city's site: names, contact, colors, logo, picture, time zone, languages."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.dates import MONTHS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from tenants.access import Permission, permission_required
from tenants.jurisdictions import services as jurisdiction_services
from tenants.jurisdictions.fields import CONTACT_FIELDS, ContactForm, PlaceForm
from tenants.jurisdictions.logos import NormalizedLogo, change_logo, normalize_logo
from tenants.jurisdictions.pictures import (
    NormalizedPicture,
    change_picture,
    missing_texts,
    normalize_picture,
    remove_picture,
)
from tenants.jurisdictions.uploads import ACCEPTED_EXTENSIONS, MAX_UPLOAD_BYTES, MAX_UPLOAD_MEGABYTES
from tenants.models import Jurisdiction
from tenants.plans.selectors import current_jurisdiction
from tenants.plans.views.common import add_errors, permission_context
from tenants.web.contrast import WHITE, contrast_ratio, parse_hex_color

MIN_CONTRAST = 7  # of the brand color with the white text on it
COLOR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
FIELDS = (
    "short_name", "tagline", *CONTACT_FIELDS, "brand_color", "accent_color", "timezone", "languages",
    "fiscal_year_start_month",
)  # fmt: skip
PICTURE_TEXTS = ("picture_alt", "picture_credit")


class SettingsForm(ContactForm, PlaceForm):
    fiscal_year_start_month = forms.TypedChoiceField(
        label=gettext_lazy("Fiscal year starts in"),
        help_text=gettext_lazy(
            "“FY27” is named after the year it ends in. We use this to read spreadsheets."
        ),
        choices=list(MONTHS.items()),
        coerce=int,
    )
    logo = forms.FileField(
        label=gettext_lazy("Logo"),
        help_text=gettext_lazy("PNG, JPEG, WebP or GIF, up to %(limit)d MB. The logo is small on the page.")
        % {"limit": MAX_UPLOAD_MEGABYTES},
        required=False,
        widget=forms.FileInput(attrs={"accept": ACCEPTED_EXTENSIONS}),
    )
    remove_logo = forms.BooleanField(label=gettext_lazy("Remove the logo"), required=False)
    picture = forms.FileField(
        label=gettext_lazy("Picture at the top of your front page"),
        help_text=gettext_lazy(
            "A landscape picture of your community. PNG, JPEG, WebP or GIF, up to %(limit)d MB. "
            "We remove the location and date stored in a photo."
        )
        % {"limit": MAX_UPLOAD_MEGABYTES},
        required=False,
        widget=forms.FileInput(attrs={"accept": ACCEPTED_EXTENSIONS}),
    )
    picture_alt = forms.CharField(
        label=gettext_lazy("What the picture shows"),
        help_text=gettext_lazy(
            "For people who cannot see it. Like “Mills along the river, seen from the bridge”."
        ),
        max_length=200,
        required=False,
    )
    picture_credit = forms.CharField(
        label=gettext_lazy("Picture credit"),
        help_text=gettext_lazy("Shown on the picture. Like “Photo: Ana Ruiz”."),
        max_length=120,
        required=False,
    )
    remove_picture = forms.BooleanField(label=gettext_lazy("Remove the picture"), required=False)

    class Meta:
        model = Jurisdiction
        fields = list(FIELDS)
        labels = {
            "brand_color": gettext_lazy("Your color"),
            "accent_color": gettext_lazy("A second color for marks"),
        }
        help_texts = {
            "short_name": gettext_lazy("Where space is short, like “Marrow Bend”."),
            "brand_color": gettext_lazy("Dark enough for white text on it: a contrast of 7 to 1."),
            "timezone": gettext_lazy("Dates on your site use this time zone."),
        }
        widgets = {
            "brand_color": forms.TextInput(attrs={"type": "color"}),
            "accent_color": forms.TextInput(attrs={"type": "color"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.png: NormalizedLogo | None = None
        self.jpeg: NormalizedPicture | None = None
        if not self.instance.logo:
            del self.fields["remove_logo"]
        if not self.instance.picture:
            del self.fields["remove_picture"]
        self.initial.update(
            picture=None,
            picture_alt=self.instance.picture_alt,
            picture_credit=self.instance.picture_credit,
        )

    def clean_brand_color(self) -> str:
        color = _normalize_color(self.cleaned_data["brand_color"])
        ratio = contrast_ratio(parse_hex_color(color), WHITE)
        if ratio < MIN_CONTRAST:
            raise ValidationError(
                _(
                    "White on %(color)s has a contrast of %(ratio).1f to 1; it needs %(least)d to 1. Choose a darker color."
                )
                % {"color": color, "ratio": ratio, "least": MIN_CONTRAST}
            )
        return color

    def clean_accent_color(self) -> str:
        return _normalize_color(self.cleaned_data["accent_color"])

    def clean_logo(self) -> Any:
        file = self.cleaned_data.get("logo")
        if file:
            self.png = normalize_logo(file.read(MAX_UPLOAD_BYTES + 1))
        return file

    def clean_picture(self) -> Any:
        file = self.cleaned_data.get("picture")
        if file:
            self.jpeg = normalize_picture(file.read(MAX_UPLOAD_BYTES + 1))
        return file

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        has_picture = bool(cleaned.get("picture") or self.instance.picture)
        if has_picture and not cleaned.get("remove_picture"):
            texts = {"alt": cleaned.get("picture_alt", ""), "credit": cleaned.get("picture_credit", "")}
            for name, message in missing_texts(**texts).items():
                self.add_error(name, message)
        return cleaned


def _normalize_color(text: str) -> str:
    if not COLOR.fullmatch(text):
        raise ValidationError(_("“%(text)s” is not a color. Write six digits like #0d5257.") % {"text": text})
    return text.lower()


def _save_picture(form: SettingsForm, *, by: Any) -> None:
    """Save the picture of a valid form and its texts, or remove it as the form says."""
    if form.cleaned_data.get("remove_picture"):
        remove_picture(current_jurisdiction(), by=by)
    elif form.jpeg is not None or form.instance.picture:
        saved = {name: getattr(form.instance, name) for name in PICTURE_TEXTS}
        texts = saved | form.changes(PICTURE_TEXTS)
        change_picture(
            current_jurisdiction(),
            content=form.jpeg,
            alt=texts["picture_alt"],
            credit=texts["picture_credit"],
            by=by,
        )


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.EDIT_SETTINGS)
def settings(request: HttpRequest) -> HttpResponse:
    jurisdiction = Jurisdiction.objects.get(pk=current_jurisdiction().pk)
    form = SettingsForm(request.POST or None, request.FILES or None, instance=jurisdiction)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                jurisdiction_services.change_jurisdiction(
                    current_jurisdiction(), by=request.user, **form.changes(FIELDS)
                )
                if form.png is not None:
                    change_logo(current_jurisdiction(), content=form.png, by=request.user)
                elif form.cleaned_data.get("remove_logo"):
                    change_logo(current_jurisdiction(), content=None, by=request.user)
                _save_picture(form, by=request.user)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("Your settings are saved."))
            return redirect("plans:settings")
    context = {"section": "settings", "form": form} | permission_context(request.user)
    return render(request, "plans/settings.html", context, status=422 if form.errors else 200)
