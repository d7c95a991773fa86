"""Signing in by browser."""

from __future__ import annotations

from typing import Any


def sign_in(page: Any, url: str, email: str, password: str) -> None:
    """Open an address that requires a session, sign in at the alliance, and wait for the address."""
    page.goto(url)
    if "/accounts/login/" not in page.url:
        page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/", 3)[2] + "/accounts/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(url)
