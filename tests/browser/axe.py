"""What every page has to pass in a browser, wide and narrow: accessibility at 0 violations, no sideways scrolling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 320, "height": 720}
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
RUN = "async tags => (await axe.run(document, {runOnly: tags, resultTypes: ['violations']})).violations"
TOO_WIDE = """() => {
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


def assert_fit(page: Any) -> None:
    """The page as it stands is fit for everybody at both widths. It is left narrow."""
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        assert_accessible(page)
        assert_no_sideways_scroll(page)


def assert_accessible(page: Any) -> None:
    """Axe, best practice included, finds nothing; otherwise say which rule, where, and what would help."""
    page.wait_for_load_state()  # a page without its style sheets is another page
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)  # through the debugger, so that the page's own policy holds
    report = [
        f"{found['id']} ({found['impact']}): {found['help']}\n"
        + "\n".join(f"  {node['target']}  {node['html'][:200]}\n  {node['failureSummary']}" for node in found["nodes"][:5])
        for found in page.evaluate(RUN, TAGS)
    ]  # fmt: skip
    assert not report, f"{page.url}: {len(report)} rules broken.\n" + "\n".join(report)


def assert_no_sideways_scroll(page: Any) -> None:
    """Nothing is wider than the window; a table may scroll within its own region."""
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    size = page.viewport_size
    assert wide <= 0, f"{page.url} is {wide} px too wide at {size['width']} px:\n" + "\n".join(
        page.evaluate(TOO_WIDE)
    )
