"""How forms are rendered: `{{ form }}` gives Assay's markup everywhere."""

from django.forms.renderers import TemplatesSetting


class Renderer(TemplatesSetting):
    form_template_name = "components/form.html"
    field_template_name = "components/field.html"
