"""The stylesheet of a city's theme."""

from __future__ import annotations

import re

import pytest


def test_every_host_has_its_own_stylesheet(launched_city, ashford, alliance, client_for):
    type(launched_city).objects.filter(pk=ashford.pk).update(brand_color="#0d5257")
    ashford.refresh_from_db()
    ashford.save()
    response = client_for(ashford).get("/brand.css")
    assert response["Content-Type"].startswith("text/css")
    assert "--brand: #0d5257;" in response.text
    assert "max-age" in response["Cache-Control"]
    assert (
        client_for(ashford).get("/brand.css", headers={"If-None-Match": response["ETag"]}).status_code == 304
    )
    for jurisdiction in (launched_city, alliance):
        assert "--brand: #2a2f66;" in client_for(jurisdiction).get("/brand.css").text


@pytest.mark.parametrize(("given", "at_least"), [("#ffee00", 7), ("#888888", 7), ("#0d5257", 7)])
def test_brand_colors_get_enough_contrast(riverton, given, at_least):
    from tenants.dashboard import theme

    riverton.brand_color = riverton.accent_color = given
    lines = dict(re.findall(r"--([a-z-]+): (#\w+);", theme.stylesheet(riverton)))
    assert theme.contrast_ratio(theme._parse_color(lines["brand"], "#000000"), theme.WHITE) >= at_least
    assert theme.contrast_ratio(theme._parse_color(lines["accent"], "#000000"), theme.INK) >= at_least
    assert (
        theme.contrast_ratio(
            theme._parse_color(lines["brand"], "#000000"), theme._parse_color(lines["brand-tint"], "#000000")
        )
        >= 4.5
    )


def test_invalid_colors_and_patterns_are_left_out_of_the_css(riverton):
    from tenants.dashboard import theme

    riverton.brand_color, riverton.pattern = "red;}*{", "../../x"
    assert theme.stylesheet(riverton).count("}") == 1
    assert "--pattern: none;" in theme.stylesheet(riverton)
    riverton.pattern = "bend"
    assert "img/patterns/bend.svg" in theme.stylesheet(riverton)
