"""How forms are rendered, `{{ form }}` gives Assay's markup everywhere; and how they say what was refused."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ValidationError
from django.forms import BaseForm
from django.forms.renderers import TemplatesSetting


class Renderer(TemplatesSetting):
    form_template_name = "components/form.html"
    field_template_name = "components/field.html"


@contextmanager
def complaints_to(form: BaseForm) -> Iterator[None]:
    """What a service refuses inside is told in `form`: at the field that it is about, else above them all.

    Whoever leaves the block by `return` was not refused.
    """
    try:
        yield
    except ValidationError as error:
        complain(form, error)


def complain(form: BaseForm, error: ValidationError) -> None:
    """Tell one refusal so."""
    if not hasattr(error, "error_dict"):
        form.add_error(None, error)
        return
    for name, errors in error.error_dict.items():
        form.add_error(name if name in form.fields else None, errors)
