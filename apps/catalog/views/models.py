"""Pages of candidate models and their prices."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apps.catalog import queries, services
from apps.catalog.forms import FileForm, ModelForm, PriceForm
from apps.catalog.models import CandidateModel, Price, Upload
from apps.catalog.money import PriceUnit
from apps.catalog.readers import FileProblem
from apps.catalog.views.shared import clean, editor_of, page_of, person, posted
from apps.core.forms import complaints_to
from apps.teams.access import get_visible, may
from apps.teams.models import Role
from apps.teams.services import require

# What a list may be sorted by; anything else in the address is ignored.
_SORTS = {
    "name": "Model",
    "provider": "Provider",
    "parameters": "Parameters",
    "released_on": "Released",
    "input_price": "USD per million in",
    "output_price": "out",
    "call_price": "per call",
}
_NUMBERS = ("parameters", "input_price", "output_price", "call_price")


@login_required
@require_safe
def model_list(request: HttpRequest) -> HttpResponse:
    """All models, with search, tag and order in the address."""
    user = person(request)
    search, tag, sort = clean(request, "q"), clean(request, "tag"), clean(request, "sort")
    key = sort.removeprefix("-")
    order = sort if key in _SORTS else "name"
    rows = queries.models_for(user, search=search, tag=tag).order_by(order, "name")
    page = page_of(request, rows, 100)
    unit = PriceUnit.of(model.call_price for model in page)
    for model in page:
        known = model.call_price is not None
        model.call_price_text = unit.amount(float(model.call_price)) if known else ""
    heads = [
        {
            "key": name,
            "title": unit.name if name == "call_price" else title,
            "number": name in _NUMBERS,
            "next": f"-{name}" if order == name else name,
            "sorted": {name: "ascending", f"-{name}": "descending"}.get(order, ""),
        }
        for name, title in _SORTS.items()
    ]
    context = {
        "page": page,
        "heads": heads,
        "search": search,
        "tag": tag,
        "sort": sort,
        "may_edit": may(user, getattr(request, "team", None), Role.EDITOR),
    }
    return render(request, "catalog/model_list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def model_new(request: HttpRequest) -> HttpResponse:
    team = editor_of(request)
    form = ModelForm(posted(request)[0])
    if request.method == "POST" and form.is_valid():
        with complaints_to(form):
            model = services.create_model(user=person(request), team=team, **form.cleaned_data)
            return redirect("model_detail", model.slug)
    return render(request, "catalog/model_form.html", {"form": form})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def model_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """A model's facts, its price book and where it was run; POST adds a price."""
    user = person(request)
    model = get_visible(CandidateModel, user, slug=slug)
    form = PriceForm(posted(request)[0])
    if request.method == "POST":
        require(user=user, team=model.team, role=Role.EDITOR)
        if form.is_valid():
            with complaints_to(form):
                services.set_price(user=user, model=model, **form.cleaned_data)
                messages.success(request, "The price book has the new price.")
                return redirect("model_detail", slug)
    prices = list(model.prices.all())
    unit = PriceUnit.of(float(price.per_call) for price in prices if price.per_call is not None)
    context = {
        "model": model,
        "form": form,
        "prices": [(price, _per_call(price, unit)) for price in prices],
        "unit": unit,
        "outputs": model.outputs.select_related("version__dataset").order_by("-created_at"),
        "may_edit": may(user, model.team, Role.EDITOR),
    }
    return render(request, "catalog/model_detail.html", context)


def _per_call(price: Price, unit: PriceUnit) -> str:
    return "" if price.per_call is None else unit.amount(float(price.per_call))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def model_edit(request: HttpRequest, slug: str) -> HttpResponse:
    user = person(request)
    model = get_visible(CandidateModel, user, slug=slug)
    require(user=user, team=model.team, role=Role.EDITOR)
    form = ModelForm(posted(request)[0], instance=get_visible(CandidateModel, user, slug=slug))
    if request.method == "POST" and form.is_valid():
        with complaints_to(form):
            services.update_model(user=user, model=model, **form.cleaned_data)
            return redirect("model_detail", slug)
    return render(request, "catalog/model_form.html", {"form": form, "model": model})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def model_delete(request: HttpRequest, slug: str) -> HttpResponse:
    user = person(request)
    model = get_visible(CandidateModel, user, slug=slug)
    require(user=user, team=model.team, role=Role.EDITOR)
    problem = None
    if request.method == "POST":
        try:
            services.delete_model(user=user, model=model)
        except ValidationError as error:
            problem = error.messages[0]
        else:
            messages.success(request, f"The model {model.name} is deleted.")
            return redirect("model_list")
    context = {
        "heading": f"Delete {model.name}?",
        "text": "The model goes with its price book. A model with predictions stays.",
        "action": "Delete this model",
        "subject": model.name,
        "back_url": reverse("model_detail", args=[slug]),
        "problem": problem,
    }
    status = 409 if problem else 200
    return render(request, "catalog/confirm.html", context, status=status)


@login_required
@require_http_methods(["POST"])
def price_delete(request: HttpRequest, slug: str, pk: str) -> HttpResponse:
    user = person(request)
    model = get_visible(CandidateModel, user, slug=slug)
    price = model.prices.filter(pk=pk).first()
    if price is not None:
        services.delete_price(user=user, price=price)
    else:
        require(user=user, team=model.team, role=Role.EDITOR)
    return redirect("model_detail", slug)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def models_upload(request: HttpRequest) -> HttpResponse:
    """A file of models and prices."""
    team = editor_of(request)
    form = FileForm(*posted(request))
    problem: FileProblem | None = None
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            with complaints_to(form):
                upload = services.receive_upload(
                    user=person(request),
                    team=team,
                    file=file,
                    filename=file.name,
                    purpose=Upload.Purpose.MODELS,
                )
                return redirect("upload_detail", upload.pk)
        except FileProblem as error:
            problem = error
    return render(request, "catalog/models_upload.html", {"form": form, "problem": problem})
