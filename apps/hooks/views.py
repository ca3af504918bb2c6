"""Pages of this room: for the team's admins."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.core.forms import complaints_to
from apps.hooks import mail, queries, services
from apps.hooks.forms import WebhookForm
from apps.hooks.models import Delivery, Event, Webhook
from apps.teams.access import MemberRequest, get_visible, member_required
from apps.teams.models import Role
from apps.teams.services import require

PAGE_SIZE = 50


def _webhook(request: MemberRequest, pk: UUID) -> Webhook:
    found: Webhook = get_visible(queries.webhooks(request.user), request.user, pk=pk)
    return found


@member_required
@require_http_methods(["GET", "POST"])
def webhook_list(request: MemberRequest) -> HttpResponse:
    """The team's webhooks, and a form for another one; its secret is shown once it is made."""
    require(user=request.user, team=request.team, role=Role.ADMIN)
    form = WebhookForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with complaints_to(form):
            made, secret = services.create_webhook(
                user=request.user, team=request.team, **form.cleaned_data
            )
            return render(request, "hooks/made.html", {"webhook": made, "secret": secret})
    context = {"form": form, "webhooks": queries.webhooks(request.user).filter(team=request.team)}
    return render(request, "hooks/list.html", context, status=400 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def mail_wishes(request: MemberRequest) -> HttpResponse:
    """Which mails somebody gets."""
    if request.method == "POST":
        wanted = request.POST.get("jobs") == "yes"
        mail.wish_mail(user=request.user, wanted=wanted)
        messages.success(request, "You get mails now." if wanted else "You get no mails.")
        return redirect("mail_wishes")
    return render(request, "hooks/mail.html", {"wanted": mail.wants_mail(request.user)})


@member_required
@require_GET
def webhook_detail(request: MemberRequest, pk: UUID) -> HttpResponse:
    """A webhook and what it was sent."""
    webhook = _webhook(request, pk)
    context = {
        "webhook": webhook,
        "events": [label for value, label in Event.choices if value in webhook.events],
        "page": Paginator(
            queries.deliveries(request.user).filter(webhook=webhook), PAGE_SIZE
        ).get_page(request.GET.get("page")),
    }
    return render(request, "hooks/detail.html", context)


@member_required
@require_POST
def webhook_switch(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Turn it on or off."""
    active = request.POST.get("do") == "on"
    services.switch_webhook(user=request.user, webhook=_webhook(request, pk), active=active)
    return redirect("webhook_detail", pk)


@member_required
@require_POST
def webhook_ping(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Send a test."""
    services.ping_webhook(user=request.user, webhook=_webhook(request, pk))
    messages.success(request, "A test is under way: the log below says what came of it.")
    return redirect("webhook_detail", pk)


@member_required
@require_http_methods(["GET", "POST"])
def webhook_delete(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Ask, then delete."""
    webhook = _webhook(request, pk)
    if request.method == "POST":
        services.delete_webhook(user=request.user, webhook=webhook)
        messages.success(request, f"The webhook {webhook.name} is deleted.")
        return redirect("webhook_list")
    return render(request, "hooks/delete.html", {"webhook": webhook})


@member_required
@require_POST
def delivery_again(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Send a message again."""
    delivery: Delivery = get_visible(queries.deliveries(request.user), request.user, pk=pk)
    services.redeliver(user=request.user, delivery=delivery)
    messages.success(request, "The message is sent again: the log below says what came of it.")
    return redirect("webhook_detail", delivery.webhook_id)
