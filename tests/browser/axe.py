"""Checks for every page in a browser, wide and narrow: no accessibility violations, no horizontal scrolling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 320, "height": 720}
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
RUN_AXE = "async tags => (await axe.run(document, {runOnly: tags, resultTypes: ['violations']})).violations"
OVERFLOWING_ELEMENTS = """() => {
  const width = document.documentElement.clientWidth;
  const scrolls = (element) => {
    for (let box = element.parentElement; box && box !== document.body; box = box.parentElement) {
      if (getComputedStyle(box).overflowX !== "visible") return true;
    }
    return false;
  };
  if (document.documentElement.scrollWidth <= width) return [];
  return [...document.body.querySelectorAll("*")]
    .filter((element) => element.getBoundingClientRect().right > width + 1 && !scrolls(element))
    .map((element) => element.outerHTML.slice(0, 160));
}"""


def assert_accessible_and_responsive(page: Any) -> None:
    """Assert both checks at both widths. The page is left narrow."""
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        assert_accessible(page)
        assert_no_horizontal_scroll(page)


def assert_accessible(page: Any) -> None:
    """Assert that axe finds no violation of WCAG or best practices; otherwise list rules, elements and fixes."""
    page.wait_for_load_state()  # with its stylesheets
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)  # by the debugger, so that the page's content security policy stays
    report = [
        f"{violation['id']} ({violation['impact']}): {violation['help']}\n"
        + "\n".join(
            f"  {node['target']}  {node['html'][:200]}\n  {node['failureSummary']}" for node in violation["nodes"][:5]
        )
        for violation in page.evaluate(RUN_AXE, TAGS)
    ]  # fmt: skip
    assert not report, f"{page.url}: {len(report)} rules broken.\n" + "\n".join(report)


def assert_no_horizontal_scroll(page: Any) -> None:
    """Assert that nothing is wider than the window; a table may scroll within its own region."""
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    size = page.viewport_size
    assert overflow <= 0, f"{page.url} is {overflow} px too wide at {size['width']} px:\n" + "\n".join(
        page.evaluate(OVERFLOWING_ELEMENTS)
    )
