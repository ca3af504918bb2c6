"""One's own account: name, browsers that are signed in, one's data, and going for good."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.core.forms import complaints_to
from apps.teams import services
from apps.teams.access import MemberRequest
from apps.teams.browsers import in_words
from apps.teams.forms import AccountForm, DepartureForm


@login_required
@require_http_methods(["GET", "POST"])
def account(request: MemberRequest) -> HttpResponse:
    form = AccountForm(request.POST or None, initial={"name": request.user.name})
    if request.method == "POST" and form.is_valid():
        services.rename_user(user=request.user, name=form.cleaned_data["name"])
        messages.success(request, "Your name is saved.")
        return redirect("account")
    return render(request, "teams/account.html", {"form": form})


@login_required
@require_POST
def guide(request: MemberRequest) -> HttpResponse:
    """Put the first page's guide away, or show it again."""
    services.show_guide(user=request.user, shown=request.POST.get("show") == "yes")
    return redirect("/")


@login_required
@require_http_methods(["GET", "POST"])
def sessions(request: MemberRequest) -> HttpResponse:
    """Where one is signed in; a POST signs out of all other browsers."""
    here = request.session.session_key or ""
    if request.method == "POST":
        services.end_sessions(user=request.user, but=here)
        messages.success(request, "You are signed out everywhere else.")
        return redirect("account_sessions")
    rows = [
        {"row": row, "browser": in_words(row.agent), "here": row.session_key == here}
        for row in services.open_sessions(request.user)
    ]
    return render(request, "teams/sessions.html", {"sessions": rows})


@login_required
@require_POST
def session_end(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Sign out of one browser."""
    row = get_object_or_404(request.user.browser_sessions, pk=pk)
    services.end_sessions(user=request.user, only=row)
    messages.success(request, f"You are signed out of {in_words(row.agent)}.")
    return redirect("account_sessions")


@login_required
@require_GET
def data(request: MemberRequest) -> FileResponse:
    """What is kept about this person, to take away."""
    name = f"assay-my-data-{timezone.localdate().isoformat()}.zip"
    return FileResponse(services.personal_data(request.user), as_attachment=True, filename=name)


@login_required
@require_http_methods(["GET", "POST"])
def departure(request: MemberRequest) -> HttpResponse:
    """Delete one's own account, after writing one's address out."""
    form = DepartureForm(request.POST or None, email=request.user.email)
    if request.method == "POST" and form.is_valid():
        with complaints_to(form):
            services.delete_user(user=request.user)
            logout(request)
            messages.success(request, "Your account is deleted.")
            return redirect("account_login")
    return render(
        request, "teams/departure.html", {"form": form}, status=400 if form.errors else 200
    )
