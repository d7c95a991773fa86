"""Forms in the design system's markup; Wagtail's own widgets stay unchanged."""

import re

from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict


class QuestionForm(forms.Form):
    question = forms.CharField(label="Your question", widget=forms.Textarea, help_text="Leave out names.")
    about = forms.ChoiceField(
        label="What is it about?", widget=forms.RadioSelect, choices=[("plan", "The plan"), ("data", "Data")]
    )
    email = forms.EmailField(label="Email", required=False)
    when = forms.SplitDateTimeField(label="When", required=False)
    public = forms.BooleanField(label="You may publish it", required=False)
    token = forms.CharField(widget=forms.HiddenInput)

    def clean(self):
        if self.data.get("question") == "Why?":
            raise forms.ValidationError("That was asked before.")


VALID_DATA = {"question": "When?", "about": "plan", "token": "x"}


def tags(html: str, name: str) -> list[str]:
    return re.findall(rf"<{name}\b[^>]*>", html)


def test_each_widget_gets_the_class_of_its_type_and_keeps_its_own():
    class SampleForm(forms.Form):
        text = forms.CharField(widget=forms.TextInput(attrs={"class": "maxw-none", "data-x": "1"}))
        words = forms.CharField(widget=forms.Textarea)
        one = forms.ChoiceField(choices=[("a", "A")])
        sure = forms.BooleanField()
        file = forms.FileField()
        hidden = forms.CharField(widget=forms.HiddenInput)

    form = SampleForm()
    assert 'class="usa-input maxw-none"' in str(form["text"])
    assert 'data-x="1"' in str(form["text"])
    assert 'class="usa-textarea"' in str(form["words"])
    assert 'class="usa-select"' in str(form["one"])
    assert 'class="usa-checkbox__input"' in str(form["sure"])
    assert 'class="usa-file-input"' in str(form["file"])
    assert "class=" not in str(form["hidden"])


def test_subwidgets_of_a_split_date_and_time_get_classes_too():
    assert (
        len(tags(str(QuestionForm()["when"]), "input"))
        == str(QuestionForm()["when"]).count('class="usa-input"')
        == 2
    )


def test_a_hint_and_an_error_are_linked_to_the_field():
    html = str(QuestionForm({})["question"].as_field_group())
    assert 'aria-describedby="id_question_helptext id_question_error"' in html
    assert 'aria-invalid="true"' in html
    assert 'id="id_question_helptext"' in html
    assert 'id="id_question_error"' in html
    assert "usa-form-group--error" in html


def test_a_choice_field_has_a_legend_and_a_label_for_each_option():
    html = str(QuestionForm({})["about"].as_field_group())
    assert re.search(r'<fieldset class="usa-fieldset"\s+aria-describedby="id_about_error">', html)
    assert re.search(r'<legend class="usa-legend">\s*What is it about\?\s*</legend>', html)
    assert html.count('class="usa-radio__label"') == 2
    assert "aria-invalid" not in html  # not allowed on a radio button


def test_the_chosen_option_stays_chosen_after_an_error():
    html = str(QuestionForm({"about": "data"})["about"])
    chosen = [tag for tag in tags(html, "input") if "checked" in tag]
    assert len(chosen) == 1
    assert 'value="data"' in chosen[0]


def test_optional_fields_are_marked():
    assert "(optional)" in str(QuestionForm()["email"].as_field_group())
    assert "(optional)" not in str(QuestionForm()["question"].as_field_group())


def test_the_list_of_errors_counts_them_and_links_to_each_field():
    html = str(QuestionForm({"question": "Why?", "email": "no"}))
    assert "Please fix 4 problems" in html
    assert "<li>That was asked before.</li>" in html
    assert '<a href="#id_email">Email: ' in html
    assert '<a href="#id_about_0">What is it about? ' in html
    assert 'id="id_about_0"' in html
    assert "#id_token" not in html  # a hidden field cannot be focused


def test_a_single_error_is_counted_in_the_singular():
    assert "Please fix one problem" in str(QuestionForm({**VALID_DATA, "email": "no"}))


def test_a_valid_form_has_no_list_of_errors():
    assert "Please fix" not in str(QuestionForm(VALID_DATA))
    assert "Please fix" not in str(QuestionForm())


def test_submitted_values_are_escaped():
    html = str(QuestionForm({**VALID_DATA, "question": '"><script>alert(1)</script>', "email": '"><b>'}))
    assert "<script>" not in html
    assert "<b>" not in html


def test_a_current_file_can_be_removed():
    class Logo(forms.Form):
        logo = forms.FileField(required=False)

    class Stored:
        url = "/media/logo.png"

        def __str__(self):
            return "logo.png"

    html = str(Logo(initial={"logo": Stored()})["logo"])
    assert '<a href="/media/logo.png">logo.png</a>' in html
    assert 'name="logo-clear"' in html
    assert Logo(QueryDict(""), {"logo": SimpleUploadedFile("a.png", b"x")}).is_valid()


def test_a_list_of_tiles_shows_the_icon_of_each_status():
    class Report(forms.Form):
        status = forms.ChoiceField(
            widget=forms.RadioSelect(attrs={"class": "choice choice--status"}),
            choices=[("on_track", "On track"), ("other", "Other")],
        )

    html = str(Report()["status"])
    assert 'class="choice choice--status"' in html
    assert html.count("icons.svg#trending_up") == html.count("<svg") == 1
    assert all('class="usa-radio__input"' in tag for tag in tags(html, "input"))


def test_wagtails_widgets_keep_the_classes_that_its_scripts_need():
    from wagtail.admin.widgets import AdminDateInput, SwitchInput

    assert 'type="checkbox"' in SwitchInput().render("on", True, {"id": "id_on", "class": "mine"})
    assert "mine" in SwitchInput().render("on", True, {"id": "id_on", "class": "mine"})
    assert "mine" in AdminDateInput(attrs={"class": "mine"}).render("day", None, {"id": "id_day"})


def test_the_empty_choice_has_a_readable_label():
    class AddressForm(forms.Form):
        state = forms.ChoiceField(choices=[("", "---------"), ("MN", "Minnesota")])

    html = str(AddressForm()["state"])
    assert "---" not in html
    assert re.search(r'<option value=""\s+selected>Choose one</option>', html)
