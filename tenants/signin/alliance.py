"""Sign-in at the alliance, where every user signs in; the account page and invitations."""

from __future__ import annotations

import re

from allauth.account import views as account
from django import forms
from django.contrib import messages
from django.contrib.auth import login, logout
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, re_path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from tenants.models import Affiliation, Jurisdiction, Role
from tenants.people import affiliations, invitations
from tenants.people.reviews import texts_waiting_for
from tenants.signin import sign_in_codes
from tenants.signin.city import back_to_your_text, safe_redirect_path
from tenants.signin.first_screens import links_of


def redirect_to_login_form(request: HttpRequest) -> HttpResponse:
    """To the form of allauth, which only the alliance has."""
    return redirect(reverse("account_login", query={"next": request.get_full_path()}))


@require_GET
def start_login(request: HttpRequest) -> HttpResponse:
    """Redirect to the login form; every host has this address."""
    next_path = request.GET.get("next", "")
    next_path = safe_redirect_path(next_path) if next_path else reverse("signin:account")
    if request.user.is_authenticated:
        return redirect(next_path)
    return redirect(reverse("account_login", query={"next": next_path}))


@never_cache
@require_GET
def authorize(request: HttpRequest, slug: str) -> HttpResponse:
    """Redirect a signed-in user back to a city, with a code that opens a session there."""
    jurisdiction = get_object_or_404(Jurisdiction.objects.tenants(), slug=slug)
    nonce_hash = request.GET.get("nonce", "")
    if not re.fullmatch(r"[0-9a-f]{64}", nonce_hash):
        return redirect(jurisdiction.build_url("signin:login"))
    if not request.user.is_authenticated:
        return redirect_to_login_form(request)
    if not request.user.is_superuser and not Affiliation.objects.active().filter(
        user=request.user, jurisdiction=jurisdiction
    ):
        return render(
            request, "signin/not_a_member.html", {"city": jurisdiction, "section": "account"}, status=404
        )
    code = sign_in_codes.create_code(
        request.user,
        host=jurisdiction.host,
        nonce_hash=nonce_hash,
        next_path=safe_redirect_path(request.GET.get("next", "")),
    )
    return redirect(jurisdiction.build_url("signin:login-callback", query={"code": code}))


@never_cache
def account_home(request: HttpRequest) -> HttpResponse:
    """The account page: the user's sites and texts to approve, password change and sign-out."""
    if not request.user.is_authenticated:
        return redirect_to_login_form(request)
    active = Affiliation.objects.active().filter(user=request.user).select_related("jurisdiction")
    rows = [
        {
            "jurisdiction": affiliation.jurisdiction,
            "roles": [Role(role).label for role in affiliation.roles],
            "links": links_of(affiliation),
        }
        for affiliation in active.order_by("jurisdiction__name")
    ]
    context = {"rows": rows, "texts": texts_waiting_for(request.user), "section": "account"}
    return render(request, "signin/account.html", context)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session here; with `everywhere`, the sessions on every host."""
    if request.user.is_authenticated and request.POST.get("everywhere"):
        affiliations.end_all_sessions(request.user)
    logout(request)
    messages.success(request, _("You are signed out."))
    return redirect("front")


class JoinForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Your name"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label=gettext_lazy("Choose a password"),
        help_text=gettext_lazy("At least 12 characters. A short sentence is easy to remember."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        strip=False,
    )


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def accept_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Accept an invitation: as a new user with a password, or as the user who is signed in."""
    invitation = invitations.find_by_token(token)
    if invitation is None:
        return render(request, "signin/invitation_over.html", {"section": "account"}, status=404)
    user = request.user if request.user.is_authenticated else None
    has_account = User.objects.filter(email=invitation.email).exists()
    # A signed-in user only confirms: the form has no fields.
    data = request.POST if request.method == "POST" else None
    form = forms.Form(data) if user else JoinForm(data, initial={"name": invitation.name})
    if request.method == "GET":
        invitations.mark_opened(invitation)
    elif form.is_valid():
        try:
            new_user, invitation = invitations.accept(token, user=user, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            if user is None:
                login(request, new_user, backend="django.contrib.auth.backends.ModelBackend")
            jurisdiction = invitation.jurisdiction
            if jurisdiction.is_tenant:
                return redirect(
                    jurisdiction.build_url("signin:login", query={"next": safe_redirect_path("")})
                )
            return redirect("signin:account")
    return render(
        request,
        "signin/invitation.html",
        {
            "invitation": invitation,
            "city": invitation.jurisdiction,
            "roles": [Role(role).label for role in invitation.roles],
            "form": form,
            "has_account": has_account,
            "is_other": bool(user and user.email != invitation.email),
            "section": "account",
        },
        status=422 if form.errors else 200,
    )


def not_found(request: HttpRequest) -> HttpResponse:
    """Answer 404 at an address of allauth that the portal does not use."""
    raise Http404


urlpatterns: list[URLPattern] = [
    path("sign-in/", start_login, name="login"),
    path("sign-in/for/<slug:slug>/", authorize, name="authorize"),
    path("sign-in/back-to-your-text/", back_to_your_text, name="back-to-your-text"),
    path("sign-out/", sign_out, name="logout"),
    path("accounts/", account_home, name="account"),
    path("accounts/invitation/<str:token>/", accept_invitation, name="invitation"),
]
app_name = "signin"

# allauth resolves its own addresses by these names. There is no sign-up without an invitation.
allauth_urls: list[URLPattern] = [
    path(
        "accounts/login/",
        account.LoginView.as_view(extra_context={"section": "account"}),
        name="account_login",
    ),
    path("accounts/logout/", sign_out, name="account_logout"),
    path("accounts/signup/", not_found, name="account_signup"),
    path("accounts/inactive/", account.account_inactive, name="account_inactive"),
    path("accounts/password/change/", account.password_change, name="account_change_password"),
    path("accounts/password/set/", account.password_set, name="account_set_password"),
    path("accounts/password/reset/", account.password_reset, name="account_reset_password"),
    path("accounts/password/reset/done/", account.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "accounts/password/reset/key/done/",
        account.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
]
