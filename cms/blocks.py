"""The blocks of narratives, plain pages and the alliance's home page. There is no block for raw HTML."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.images.blocks import ImageBlock

INLINE_FEATURES = ["bold", "italic", "link", "document-link"]
PROSE_FEATURES = [*INLINE_FEATURES, "ol", "ul"]
LONG_PROSE_FEATURES = ["h3", *PROSE_FEATURES]
MAX_CHOICE_LENGTH = 110


def action_choices() -> list[tuple[str, str]]:
    """The city's current actions in plan order: [("a7", "3.1 End library fines"), …]; none at the alliance."""
    from tenants.plans.models import Action

    if not getattr(connection.tenant, "is_tenant", False):
        return []
    rows = Action.objects.current().in_plan_order().values_list("code", "number", "title")
    return [(code, f"{number or code} {title}"[:MAX_CHOICE_LENGTH]) for code, number, title in rows]


class HeadedBlock(blocks.StructBlock):
    """A block with a heading, which the list “On this page” links to."""

    def get_heading(self, value: blocks.StructValue) -> str:
        return value.get("heading", "")

    def get_search_text(self, value: Any) -> str:
        """The block's text, plain, for the search."""
        return " ".join(text for text in self.get_searchable_content(value) if text)


class ChapterBlock(HeadedBlock):
    heading = blocks.CharBlock(label=_("Heading"), max_length=120)
    period = blocks.CharBlock(
        label=_("Period"), required=False, max_length=60, help_text=_("Such as 1921 to 1948.")
    )
    text = blocks.RichTextBlock(label=_("Text"), features=LONG_PROSE_FEATURES)

    class Meta:
        icon = "history"
        label = _("History of government and race here")
        template = "cms/blocks/chapter.html"


class WhyNowBlock(HeadedBlock):
    heading = blocks.CharBlock(label=_("Heading"), default=_("Why now"), max_length=120)
    text = blocks.RichTextBlock(label=_("Text"), features=LONG_PROSE_FEATURES)

    class Meta:
        icon = "time"
        label = _("Why now")
        template = "cms/blocks/chapter.html"


class CommitmentBlock(blocks.StructBlock):
    text = blocks.TextBlock(label=_("What we commit to"), rows=2)
    by_when = blocks.CharBlock(label=_("By when"), required=False, max_length=60)

    class Meta:
        label = _("Commitment")


class CommitmentsBlock(HeadedBlock):
    heading = blocks.CharBlock(label=_("Heading"), default=_("What we commit to"), max_length=120)
    text = blocks.RichTextBlock(label=_("Text"), required=False, features=PROSE_FEATURES)
    commitments = blocks.ListBlock(CommitmentBlock(), label=_("Commitments"))

    class Meta:
        icon = "list-ol"
        label = _("Commitments")
        template = "cms/blocks/commitments.html"


class VoiceBlock(blocks.StructBlock):
    quote = blocks.TextBlock(label=_("What was said"), rows=3)
    who = blocks.CharBlock(
        label=_("Who said it, where and when"),
        max_length=200,
        help_text=_("Such as: Resident of Sawyer Street, community conversation, October 9, 2025."),
    )
    consent = blocks.CharBlock(
        label=_("How the person agreed to be quoted"),
        default=_("Quoted with consent."),
        max_length=120,
        help_text=_("Quote only people who have agreed. This note is shown below the quote."),
    )

    class Meta:
        icon = "openquote"
        label = _("Voice")
        template = "cms/blocks/voice.html"


class VoicesBlock(HeadedBlock):
    heading = blocks.CharBlock(label=_("Heading"), default=_("Voices"), max_length=120)
    voices = blocks.ListBlock(VoiceBlock(), label=_("Voices"))

    class Meta:
        icon = "group"
        label = _("Voices")
        template = "cms/blocks/voices.html"


class TimelineEntryBlock(blocks.StructBlock):
    when = blocks.CharBlock(label=_("When"), max_length=40)
    what = blocks.TextBlock(label=_("What happened"), rows=2)
    who_paid = blocks.CharBlock(label=_("Who paid for it"), required=False, max_length=200)

    class Meta:
        label = _("Entry")


class TimelineBlock(HeadedBlock):
    heading = blocks.CharBlock(label=_("Heading"), required=False, max_length=120)
    caption = blocks.CharBlock(
        label=_("Caption"), default=_("What the government did, and when"), max_length=160
    )
    entries = blocks.ListBlock(TimelineEntryBlock(), label=_("Entries"), min_num=1)
    source = blocks.CharBlock(label=_("Sources"), max_length=300)

    class Meta:
        icon = "calendar-alt"
        label = _("Timeline")
        template = "cms/blocks/timeline.html"

    def get_context(self, value: Any, parent_context: Any = None) -> dict[str, Any]:
        context = super().get_context(value, parent_context=parent_context)
        context["names_who_paid"] = any(entry["who_paid"] for entry in value["entries"])
        return context


class PictureBlock(blocks.StructBlock):
    image = ImageBlock(label=_("Image"))
    caption = blocks.CharBlock(label=_("Caption"), required=False, max_length=300)
    credit = blocks.CharBlock(label=_("Credit"), required=False, max_length=160)

    class Meta:
        icon = "image"
        label = _("Image")
        template = "cms/blocks/picture.html"


class VideoBlock(blocks.StructBlock):
    """A link, not a player: our pages load nothing from other sites."""

    title = blocks.CharBlock(label=_("Title"), max_length=160)
    url = blocks.URLBlock(label=_("Address of the video"))
    length = blocks.CharBlock(
        label=_("Length"), required=False, max_length=40, help_text=_("Such as 18 minutes.")
    )
    captions = blocks.CharBlock(
        label=_("Captions"),
        max_length=160,
        help_text=_("In which languages, and who wrote them. Such as: Captions in English and Spanish."),
    )
    transcript = blocks.URLBlock(label=_("Address of the transcript"))

    class Meta:
        icon = "media"
        label = _("Video link")
        template = "cms/blocks/video.html"


class ActionBlock(blocks.ChoiceBlock):
    """An action by its code. Stored codes are not checked: Wagtail would load all choices for each one."""

    def to_python(self, value: Any) -> Any:
        return value

    def get_searchable_content(self, value: Any) -> list[str]:
        return []


class ActionsBlock(HeadedBlock):
    heading = blocks.CharBlock(label=_("Heading"), default=_("What we are doing about it"), max_length=120)
    text = blocks.RichTextBlock(label=_("Text"), required=False, features=PROSE_FEATURES)
    actions = blocks.ListBlock(
        ActionBlock(choices=action_choices, label=_("Action")),
        label=_("Actions of the plan"),
        min_num=1,
    )

    class Meta:
        icon = "tasks"
        label = _("Actions of the plan")
        template = "cms/blocks/actions.html"

    def get_context(self, value: Any, parent_context: Any = None) -> dict[str, Any]:
        """Adds `rows`: the selected actions that are visible (context `actions` of the page), in the order selected."""
        context = super().get_context(value, parent_context=parent_context)
        visible = (parent_context or {}).get("actions", {})
        context["rows"] = [visible[code] for code in value["actions"] if code in visible]
        return context


class NumberBlock(blocks.StructBlock):
    number = blocks.CharBlock(label=_("Number"), max_length=24)
    label = blocks.CharBlock(label=_("What it counts"), max_length=120)
    rule = blocks.CharBlock(
        label=_("Of how many, when"),
        required=False,
        max_length=200,
        help_text=_("Such as: of 17,240 cards, January 2026."),
    )

    class Meta:
        label = _("Number")


class NumbersBlock(HeadedBlock):
    heading = blocks.CharBlock(label=_("Heading"), required=False, max_length=120)
    numbers = blocks.ListBlock(NumberBlock(), label=_("Numbers"), min_num=1)
    source = blocks.CharBlock(
        label=_("Source"), max_length=300, help_text=_("Who counted, and where readers can check it.")
    )

    class Meta:
        icon = "table"
        label = _("Numbers with their source")
        template = "cms/blocks/numbers.html"


class NarrativeBlocks(blocks.StreamBlock):
    text = blocks.RichTextBlock(
        label=_("Text"), icon="pilcrow", features=LONG_PROSE_FEATURES, template="cms/blocks/text.html"
    )
    chapter = ChapterBlock()
    why_now = WhyNowBlock()
    commitments = CommitmentsBlock()
    voice = VoiceBlock()
    voices = VoicesBlock()
    timeline = TimelineBlock()
    picture = PictureBlock()
    video = VideoBlock()
    actions = ActionsBlock()
    numbers = NumbersBlock()


class PlainSectionBlock(HeadedBlock):
    heading = blocks.CharBlock(label=_("Heading"), max_length=120)
    text = blocks.RichTextBlock(label=_("Text"), features=LONG_PROSE_FEATURES)

    class Meta:
        icon = "title"
        label = _("Section")
        template = "cms/blocks/section.html"


class PageBlocks(blocks.StreamBlock):
    text = blocks.RichTextBlock(
        label=_("Text"), icon="pilcrow", features=LONG_PROSE_FEATURES, template="cms/blocks/text.html"
    )
    section = PlainSectionBlock()
    picture = PictureBlock()
    video = VideoBlock()
    voice = VoiceBlock()


class StepBlock(blocks.StructBlock):
    title = blocks.CharBlock(label=_("Step"), max_length=60)
    text = blocks.CharBlock(label=_("In short"), required=False, max_length=160)
    stage = blocks.CharBlock(
        label=_("Stage of the directory"),
        required=False,
        max_length=16,
        help_text=_("Such as planning. Members at this stage are listed below the step."),
    )

    class Meta:
        icon = "arrow-right"
        label = _("Step")


class DateBlock(blocks.StructBlock):
    date = blocks.DateBlock(label=_("Day"))
    text = blocks.CharBlock(label=_("What happens"), max_length=160)
    url = blocks.URLBlock(label=_("Address"), required=False)

    class Meta:
        icon = "date"
        label = _("Date")


class StepBlocks(blocks.StreamBlock):
    step = StepBlock()


class DateBlocks(blocks.StreamBlock):
    date = DateBlock()
