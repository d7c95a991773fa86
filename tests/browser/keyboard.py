"""Working with the keyboard alone, and hearing what a page reads out by itself."""

from __future__ import annotations

from typing import Any

# What has the focus, as a screen reader names it; nothing if the focus is on the page as a whole.
FOCUSED = """() => {
  const element = document.activeElement;
  if (!element || element === document.body) return "";
  const named = document.getElementById(element.getAttribute("aria-labelledby"));
  const text = element.ariaLabel ?? element.labels?.[0]?.textContent ?? (named ?? element).textContent;
  return text.replace(/\\s+/g, " ").trim();
}"""
# The focus can be seen: it is in the window, and an outline is drawn around it, or around the sign of its label.
IS_FOCUS_SEEN = """() => {
  const element = document.activeElement;
  const drawn = element.matches(".usa-radio__input, .usa-checkbox__input") ? element.labels[0] : element;
  const box = drawn.getBoundingClientRect();
  const isInside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  const styles = [getComputedStyle(drawn), getComputedStyle(drawn, "::before")];
  return isInside && styles.some((style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0);
}"""
LISTEN = """() => {
  window.heard = [];
  const regions = "[role=status], [role=alert], [aria-live]";
  const hear = (region) => {
    const text = region.textContent.replace(/\\s+/g, " ").trim();
    if (text && heard.at(-1) !== text) heard.push(text);
  };
  const observe = (region) =>
    new MutationObserver(() => hear(region)).observe(region, {childList: true, characterData: true, subtree: true});
  document.querySelectorAll(regions).forEach(observe);
  // An alert is read out when it appears; any other region only when it was there before its text.
  new MutationObserver((records) => {
    for (const node of records.flatMap((record) => [...record.addedNodes])) {
      if (node.nodeType !== Node.ELEMENT_NODE) continue;
      for (const alert of [node, ...node.querySelectorAll("[role=alert]")].filter((one) => one.matches("[role=alert]"))) {
        hear(alert);
        observe(alert);
      }
    }
  }).observe(document.body, {childList: true, subtree: true});
}"""


def focused(page: Any) -> str:
    name: str = page.evaluate(FOCUSED)
    return name


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def tab_to(page: Any, name: str, *, key: str = "Tab") -> None:
    """Press Tab until the focus is on what is called so, or begins so, and can be seen there."""
    passed: list[str] = []
    while not focused(page).startswith(name):
        is_round = passed.count("") > 1  # the end of the page, twice
        assert not is_round, f"{page.url}: {key} leads past {passed}, not to “{name}”."
        page.keyboard.press(key)
        passed.append(focused(page)[:60])
    assert page.evaluate(IS_FOCUS_SEEN), f"{page.url}: the focus on “{name}” cannot be seen."


def skip_to_main(page: Any) -> None:
    """To the first stop in the main part of a page that was just opened, by the link that skips what is above.

    The address remembers the link, also when a form is sent and answered from there: then the first Tab leads there.
    """
    page.keyboard.press("Tab")
    if not page.url.endswith("#main"):
        assert focused(page) == "Skip to main content", (
            f"{page.url}: the first Tab leads to “{focused(page)}”."
        )
        press(page, "Enter", "Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null"), f"{page.url}: {focused(page)}"


def sign_in_by_keyboard(page: Any, url: str, email: str, password: str) -> None:
    """Open an address that requires a session, and sign in at the form it leads to."""
    page.goto(url)
    tab_to(page, "Work email")
    page.keyboard.type(email)
    press(page, "Tab")
    assert focused(page) == "Password"
    page.keyboard.type(password)
    press(page, "Enter")
    page.wait_for_url(url)


def listen(page: Any) -> None:
    """From now on note what the live regions of this page read out: `heard`."""
    page.evaluate(LISTEN)


def heard(page: Any) -> list[str]:
    """What the live regions read out since `listen`; waits for the first of it.

    Asks again and again: the pages' content security policy forbids the function that Playwright would wait with.
    """
    texts: list[str] = []
    for _ in range(100):
        if texts := page.evaluate("heard"):
            break
        page.wait_for_timeout(50)
    return texts
