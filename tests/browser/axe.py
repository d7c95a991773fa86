"""Checks for every page in a browser, wide and narrow: no accessibility violations, no horizontal scrolling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.browser.axe_incomplete import explanations
from tests.browser.page_templates import note_page
from tests.full import gate_or_full

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 320, "height": 720}
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
TAGS = [*WCAG, "best-practice"]
# The violations, and the incomplete results without the elements that are explained.
RUN_AXE = """async ([tags, explained]) => {
  const results = await axe.run(document, {runOnly: tags, resultTypes: ["violations", "incomplete"]});
  const obstacleOf = (node) =>
    [...node.any, ...node.all, ...node.none].map((check) => check.data?.messageKey).find(Boolean) ?? null;
  const isExplained = (rule, node) => {
    const element = node.target.length === 1 && document.querySelector(node.target[0]);
    return element && explained.some(
      (line) => line.rule === rule && line.obstacle === node.obstacle && element.matches(line.selector)
    );
  };
  const incomplete = results.incomplete
    .map((rule) => ({...rule, nodes: rule.nodes.map((node) => ({...node, obstacle: obstacleOf(node)}))}))
    .map((rule) => ({...rule, nodes: rule.nodes.filter((node) => !isExplained(rule.id, node))}))
    .filter((rule) => rule.nodes.length);
  return {violations: results.violations, incomplete};
}"""
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
        _assert_accessible_as_it_is(page)
        assert_no_horizontal_scroll(page)


def assert_email_accessible_and_responsive(page: Any) -> None:
    """The same for an email on a page of its own. Best practices ask for landmarks, which the mail program has."""
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        _assert_accessible_as_it_is(page, WCAG)
        assert_no_horizontal_scroll(page)


def assert_accessible(page: Any) -> None:
    """Assert what axe finds: nothing against WCAG or best practices, nothing undecided but what is explained.

    Otherwise list rules, elements and fixes. A full run looks at both widths; the page keeps its own.
    """
    size = page.viewport_size
    for other in gate_or_full([], [other for other in (WIDE, NARROW) if other["width"] != size["width"]]):
        page.set_viewport_size(other)
        _assert_accessible_as_it_is(page)
        page.set_viewport_size(size)
    _assert_accessible_as_it_is(page)


def run_axe(page: Any, tags: list[str] = TAGS) -> dict[str, list[dict[str, Any]]]:
    """The `violations` of a page, and the `incomplete` results that are not explained in `axe_incomplete`."""
    page.wait_for_load_state()  # with its stylesheets
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)  # by the debugger, so that the page's content security policy stays
    results: dict[str, list[dict[str, Any]]] = page.evaluate(RUN_AXE, [tags, explanations()])
    return results


def _assert_accessible_as_it_is(page: Any, tags: list[str] = TAGS) -> None:
    report = [
        "\n".join(
            [f"{kind}: {rule['id']} ({rule['impact']}): {rule['help']}", *map(_describe, rule["nodes"][:5])]
        )
        for kind, rules in run_axe(page, tags).items()
        for rule in rules
    ]
    assert not report, (
        f"{page.url} at {page.viewport_size['width']} px: {len(report)} rules broken or undecided "
        "(tests/browser/axe_incomplete.py explains those).\n" + "\n".join(report)
    )
    note_page(page)


def _describe(node: dict[str, Any]) -> str:
    obstacle = f" [{node['obstacle']}]" if node.get("obstacle") else ""
    return f"  {node['target']}{obstacle}  {node['html'][:200]}\n  {node['failureSummary']}"


def assert_no_horizontal_scroll(page: Any) -> None:
    """Assert that nothing is wider than the window; a table may scroll within its own region."""
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    size = page.viewport_size
    assert overflow <= 0, f"{page.url} is {overflow} px too wide at {size['width']} px:\n" + "\n".join(
        page.evaluate(OVERFLOWING_ELEMENTS)
    )
