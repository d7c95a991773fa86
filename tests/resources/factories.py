from __future__ import annotations

import factory
from django.utils import timezone

from resources.models import LibraryItem


class LibraryItemFactory(factory.django.DjangoModelFactory):
    """A public practice; LibraryItemFactory(draft=True) is not published, members=True is for members."""

    class Meta:
        model = LibraryItem

    class Params:
        draft = factory.Trait(live=False, first_published_at=None)
        members = factory.Trait(visibility=LibraryItem.Audience.MEMBERS)

    key = factory.Sequence("fee-free-branch-{}".format)
    title = factory.Sequence("A library branch without fees, number {}".format)
    type = LibraryItem.Type.PRACTICE
    summary = "A branch stopped charging for late books and unblocked every card."
    body = "Two librarians counted blocked cards.\n\nThe council saw the map before the budget."
    stage = factory.LazyFunction(lambda: ["operationalize"])
    origin = "City of Riverton"
    origin_kind = LibraryItem.OriginKind.CITY
    population_band = "10k_50k"
    year = 2025
    evidence = LibraryItem.Evidence.REPORTED_RESULTS
    effort = LibraryItem.Effort.LOW
    license = LibraryItem.License.CC_BY
    live = True
    first_published_at = factory.LazyFunction(timezone.now)
