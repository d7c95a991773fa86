from __future__ import annotations

import csv
import datetime as dt
import io
import re
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image

from cohort.members.selectors import members_by_stage
from cohort.progress import selectors
from tenants.jurisdictions.logos import change_logo
from tenants.models import Jurisdiction, Visibility
from tenants.plans.models import Action, Plan
from tenants.signals import action_changed, plan_published
from tenants.web.contrast import WHITE, contrast_ratio, parse_hex_color

pytestmark = pytest.mark.usefixtures("in_april")
TODAY = dt.date(2027, 4, 8)
ALL_URLS = [
    "/progress/",
    "/progress/plans.csv",
    "/progress/plans.json",
    "/jurisdictions/",
    "/jurisdictions/list.csv",
]


def visible_text(response):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.text)).split())


def csv_rows(response):
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


def update_jurisdiction(jurisdiction, **fields):
    for name, value in fields.items():
        setattr(jurisdiction, name, value)
    jurisdiction.save()


@pytest.fixture
def cohort(riverton, ashford, millbrook, publish):
    """Riverton's plan is public, Ashford's is for members, Millbrook's is internal; only Riverton's site is open."""
    update_jurisdiction(
        riverton, entry_stage="implementing", population_band="250k_500k", tagline="Housing is behind."
    )
    update_jurisdiction(ashford, entry_stage="planning", population_band="under_10k", state="CA")
    update_jurisdiction(millbrook, kind="county", entry_stage="onboarding", state="")
    publish(riverton, ["completed", "on_track", "off_track", "cancelled"], adopted_on=dt.date(2025, 1, 14))
    publish(ashford, ["completed", None], visibility=Visibility.COHORT, launch=False)
    publish(
        millbrook, ["completed"], visibility=Visibility.INTERNAL, launch=False, title="CANARY of Millbrook"
    )
    return riverton, ashford, millbrook


# ---- Progress --------------------------------------------------------------------------------------------


def test_anonymous_visitors_see_public_plans_of_launched_cities(cohort, alliance, client_for):
    text = visible_text(client_for(alliance).get("/progress/"))
    assert "City of Riverton Minnesota Implementing, year 3 1 of 3 1" in text
    assert "“Housing is behind.”" in text
    assert "We do not rank them" in text
    assert "Ashford" not in text
    assert "Millbrook" not in text


def test_members_also_see_plans_for_the_cohort_with_a_label(
    cohort, alliance, client_for, make_user, riverton
):
    text = visible_text(client_for(alliance, make_user(riverton, "viewer")).get("/progress/"))
    assert "City of Ashford Members only" in text
    assert "One plan is shared with members only." in text
    assert "Millbrook" not in text


def test_a_public_plan_of_a_city_that_did_not_launch_is_shown_to_nobody(
    riverton, alliance, client_for, make_user, publish
):
    publish(riverton, ["completed"], launch=False)
    for client in (client_for(alliance), client_for(alliance, make_user(riverton, "coordinator"))):
        assert client.get("/progress/plans.json").json()["plans"] == []


@pytest.mark.parametrize("url", ALL_URLS)
def test_an_internal_plan_is_on_no_page(cohort, alliance, client_for, make_user, riverton, url):
    for client in (client_for(alliance), client_for(alliance, make_user(riverton, "coordinator"))):
        assert "CANARY" not in client.get(url).text


def test_page_csv_and_json_of_progress_agree(cohort, alliance, client_for, make_user, riverton):
    for client in (client_for(alliance), client_for(alliance, make_user(riverton, "viewer"))):
        table, data = csv_rows(client.get("/progress/plans.csv")), client.get("/progress/plans.json").json()
        page = visible_text(client.get("/progress/"))
        assert [row["jurisdiction"] for row in table] == [row["jurisdiction"] for row in data["plans"]]
        for row, plan in zip(table, data["plans"], strict=True):
            assert {name: "" if v is None else str(v) for name, v in plan.items()} == row
            assert row["jurisdiction"] in page
        assert (table[-1]["actions_counted"], table[-1]["completed"], table[-1]["left_out"]) == (
            "3",
            "1",
            "1",
        )
        assert table[-1]["counted_on"] == "2027-04-08"


def test_progress_is_sorted_by_any_column_and_missing_values_come_last(
    cohort, alliance, client_for, make_user, riverton, ashford
):
    client = client_for(alliance, make_user(riverton, "viewer"))

    def order(sort):
        return [row["jurisdiction"] for row in csv_rows(client.get(f"/progress/plans.csv?sort={sort}"))]

    assert order("name") == order("") == order("nonsense") == ["City of Ashford", "City of Riverton"]
    assert order("-name") == ["City of Riverton", "City of Ashford"]
    assert order("done") == ["City of Riverton", "City of Ashford"]
    assert order("-attention") == ["City of Riverton", "City of Ashford"]
    assert 'aria-sort="descending"' in client.get("/progress/?sort=-done").text


def test_sorting_by_htmx_returns_only_the_table(cohort, alliance, client_for):
    headers = {"HX-Request": "true", "HX-Target": "plan-rows"}
    assert "<html" not in client_for(alliance).get("/progress/?sort=done", headers=headers).text


def test_without_any_plan_the_page_explains_its_content(riverton, alliance, client_for):
    assert "No member has shared its plan yet." in client_for(alliance).get("/progress/").text


# ---- Directory -------------------------------------------------------------------------------------------


def test_the_directory_names_all_members_by_state_and_links_open_sites_only(cohort, alliance, client_for):
    response = client_for(alliance).get("/jurisdictions/")
    text = visible_text(response)
    assert text.index("California A ") < text.index("Minnesota R ") < text.index("No state given MC ")
    assert (
        "City, 250,000 to 499,999 people, Minnesota Stage: Implementing, year 3 "
        "1 1 1 1 completed, 1 on track, 1 off track 1 of 3 actions done, 1 needs" in text
    )
    assert "Stage: Onboarding Its site is not open yet." in text
    assert 'href="http://riverton.localhost/"' in response.text
    assert "ashford.localhost" not in response.text
    assert "millbrook.localhost" not in response.text


def test_former_members_template_and_alliance_are_not_listed(riverton, ashford, alliance, client_for):
    update_jurisdiction(ashford, entry_stage="offboarded")
    names = [row["jurisdiction"] for row in csv_rows(client_for(alliance).get("/jurisdictions/list.csv"))]
    assert names == ["City of Riverton", "Millbrook County"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?state=MN", ["City of Riverton"]),
        ("?state=MN&state=CA", ["City of Ashford", "City of Riverton"]),
        ("?kind=county", ["Millbrook County"]),
        ("?stage=planning&stage=onboarding", ["City of Ashford", "Millbrook County"]),
        ("?size=under_10k", ["City of Ashford"]),
        ("?size=under_10k&state=MN", []),
        ("?q=river", ["City of Riverton"]),
        ("?q=california", ["City of Ashford"]),
        ("?order=stage", ["City of Riverton", "City of Ashford", "Millbrook County"]),
        ("?order=name", ["City of Ashford", "City of Riverton", "Millbrook County"]),
        ("?stage=nonsense", []),
    ],
)
def test_the_directory_is_filtered_by_the_query_string(cohort, alliance, client_for, query, names):
    client = client_for(alliance)
    assert [row["jurisdiction"] for row in csv_rows(client.get("/jurisdictions/list.csv" + query))] == names
    page = client.get("/jurisdictions/" + query).text
    assert re.findall(r'class="font-body-lg">(?:<a [^>]*>)?([^<]+)', page) == names


def test_each_facet_option_shows_how_many_members_it_would_add(cohort, alliance, client_for):
    text = client_for(alliance).get("/jurisdictions/?state=MN").text

    def count(option):
        return re.search(rf'id="n-{option}">(\d+)<', text).group(1)

    assert (count("state-MN"), count("state-CA")) == ("1", "1")  # within a facet: any of them
    assert (count("stage-implementing"), count("stage-planning")) == ("1", "0")
    assert re.search(r'value="MN"\s+checked', text)
    assert 'href="/jurisdictions/?"' in text  # removes the only filter


def test_a_list_without_a_match_links_to_all_members(cohort, alliance, client_for):
    assert "Show all 3 members" in client_for(alliance).get("/jurisdictions/?q=zebra").text


# ---- The alliance's home ---------------------------------------------------------------------------------


def make_draft(jurisdiction, in_city):
    with in_city(jurisdiction):
        Plan.objects.update(lifecycle="draft")
        plan_published.send(Plan, jurisdiction=jurisdiction, plan_id=0)


def test_the_home_page_shows_drafts_last_and_does_not_count_them(
    cohort, in_city, riverton, ashford, alliance, client_for, make_user
):
    make_draft(ashford, in_city)
    overview = selectors.progress_overview("members", on=TODAY)
    assert [row["name"] for row in overview["rows"]] == ["City of Riverton", "City of Ashford"]
    assert overview["total"] == "1 of 3 actions done in 1 jurisdiction. 1 draft plan is not counted."
    assert (
        selectors.progress_overview("public", on=TODAY)["total"] == "1 of 3 actions done in 1 jurisdiction."
    )
    limited = selectors.progress_overview("members", on=TODAY, limit=1)
    assert (len(limited["rows"]), limited["total"]) == (1, overview["total"])
    member = client_for(alliance, make_user(riverton, "viewer"))
    for url in ("/", "/progress/"):
        text = visible_text(member.get(url))
        assert overview["total"] in text
        assert "2 proposed actions" in text
    make_draft(riverton, in_city)
    assert selectors.progress_overview("public", on=TODAY)["total"] == ""


def test_a_draft_is_shown_as_a_draft_everywhere(cohort, in_city, riverton, alliance, client_for):
    make_draft(riverton, in_city)
    page = client_for(alliance)
    table = page.get("/progress/").text.partition("<tbody>")[2]
    assert "3 proposed actions" in table
    assert "sbar" not in table
    assert "1 of 3" not in table
    card = visible_text(page.get("/jurisdictions/?q=riverton"))
    assert "City of Riverton Draft plan" in card
    assert "Draft plan: 3 proposed actions." in card
    [row] = [
        row
        for row in csv_rows(page.get("/jurisdictions/list.csv"))
        if row["kind"] == "City" and row["plan_progress"]
    ]
    assert row["plan_progress"] == "Draft plan: 3 proposed actions."


def test_table_and_directory_show_the_same_bar_with_its_words(cohort, alliance, client_for):
    page = client_for(alliance)
    words = "1 completed, 1 on track, 1 off track"
    for url in ("/", "/progress/", "/jurisdictions/"):
        response = page.get(url)
        assert f'role="img" aria-label="{words}"' in response.text, url
        assert visible_text(response).count(words) == 1, url  # beside the bar


def test_a_card_has_the_logo_of_an_open_site_or_initials_in_a_readable_color(
    cohort, alliance, client_for, riverton, ashford, media_folder
):
    update_jurisdiction(riverton, brand_color="#ffee00")  # too light for white letters
    page = client_for(alliance)
    text = page.get("/jurisdictions/").text
    color = re.search(r'fill="(#[0-9a-f]{6})" /><text[^>]*>R</text>', text)[1]
    assert contrast_ratio(parse_hex_color(color), WHITE) >= 4.5
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), "#0d5257").save(picture, "PNG")
    for city in (riverton, ashford):
        change_logo(city, content=picture.getvalue(), by=None)
    text = page.get("/jurisdictions/").text
    [address] = re.findall(r'<img class="card-logo" src="([^"]+)"', text)
    assert address.startswith("/jurisdictions/riverton/logo.png?v=logo-")
    logo = page.get(address)
    assert (logo.status_code, logo["Content-Type"]) == (200, "image/png")
    assert Image.open(io.BytesIO(logo.content)).size == (64, 64)
    # Ashford's site is not open: only its team can load its logo.
    assert page.get("/jurisdictions/ashford/logo.png").status_code == 404
    assert page.get("/jurisdictions/alliance/logo.png").status_code == 404


def test_members_are_grouped_by_stage(cohort, riverton):
    update_jurisdiction(riverton, entry_stage="mentor")
    steps = {step["stage"]: step["jurisdictions"] for step in members_by_stage()}
    assert list(steps) == ["onboarding", "learning", "planning", "adopted_plan", "implementing"]
    assert [jurisdiction["url"] for jurisdiction in steps["onboarding"]] == [""]
    assert [(jurisdiction["url"], jurisdiction["note"]) for jurisdiction in steps["implementing"]] == [
        ("http://riverton.localhost/", "mentor")
    ]


def test_changed_this_week_lists_what_each_audience_may_see(cohort, riverton, ashford, in_city):
    for jurisdiction in (riverton, ashford):
        with in_city(jurisdiction):
            Action.objects.filter(status="completed").update(last_update_on=dt.date(2027, 4, 5))
            ids = list(Action.objects.filter(status="completed").values_list("pk", flat=True))
            action_changed.send(Action, jurisdiction=jurisdiction, action_ids=ids)
    changes = selectors.changed_this_week("public", on=TODAY)
    assert [(item["jurisdiction"], item["status"]) for item in changes] == [
        (riverton.short_name, "Completed")
    ]
    assert changes[0]["url"].startswith("http://riverton.localhost/plan/actions/")
    members = selectors.changed_this_week("members", on=TODAY)
    assert {(item["jurisdiction"], bool(item["url"])) for item in members} == {
        (riverton.short_name, True),
        (ashford.short_name, False),
    }
    assert selectors.changed_this_week("public", on=dt.date(2027, 4, 12)) == []


def test_an_unknown_audience_is_an_error():
    with pytest.raises(ValueError, match="No audience 'everybody'"):
        selectors.visible_plans("everybody")


# ---- Growth ----------------------------------------------------------------------------------------------


def test_queries_do_not_grow_with_the_number_of_cities(riverton, alliance, client_for, db):
    from cohort.models import PublicPlan

    def grow(start, number):
        for n in range(start, start + number):
            jurisdiction = Jurisdiction.objects.create(
                schema_name=f"c_p{n}",
                slug=f"p{n}",
                name=f"Place {n}",
                short_name=f"P{n}",
                site_state="launched",
            )
            PublicPlan.objects.create(
                jurisdiction=jurisdiction,
                visibility="public",
                title=f"Plan {n}",
                lifecycle="adopted",
                actions=3,
                updated_at=dt.datetime(2027, 1, 1, tzinfo=dt.UTC),
            )

    def count(url):
        with CaptureQueriesContext(connection) as queries:
            assert client_for(alliance).get(url).status_code == 200
        assert sum("cohort_publicplan" in query["sql"] for query in queries) == 1
        return len(queries)

    def counts():
        for url in ALL_URLS:
            count(url)  # loads the hosts again after a change of the registry
        return {url: count(url) for url in ALL_URLS}

    grow(0, 2)
    few = counts()
    grow(2, 30)
    assert counts() == few
    assert max(few.values()) <= 7


def test_the_home_page_of_the_alliance_has_the_table_of_the_progress_page(
    alliance, riverton, client_for, publish
):
    publish(riverton, [None, None], adopted_on=None)
    home, progress = (client_for(alliance).get(address).text for address in ("/", "/progress/"))
    rows = [text.partition("<tbody>")[2].partition("</tbody>")[0] for text in (home, progress)]
    assert rows[0] == rows[1]
    for text in ("2 actions, no status yet", "No status yet", "No dated update", 'data-label="Last update"'):
        assert text in rows[0]
    headings = [
        re.findall(r'<th scope="col"[^>]*>(?:<a[^>]*>)?\s*([^<]+?)\s*<', text) for text in (home, progress)
    ]
    assert headings[0] == headings[1]
    assert headings[0][-1] == "In its own words"


def test_a_city_without_a_logo_has_the_same_initials_everywhere(client_for, alliance, riverton, make_user):
    Jurisdiction.objects.filter(pk=riverton.pk).update(
        short_name="O’Fallon d’Été", site_state="launched", logo=""
    )
    city = Jurisdiction.objects.get(pk=riverton.pk)
    coordinator = client_for(city, make_user(city, "coordinator"))
    pages = [
        client_for(alliance).get("/jurisdictions/"),
        client_for(city).get("/"),
        *(coordinator.get(path) for path in ("/workspace/", "/cms/")),
    ]
    for page in pages:
        assert 'aria-hidden="true">OD</span>' in page.text
