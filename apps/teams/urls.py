"""Page addresses of this room."""

from django.contrib.auth.decorators import login_required
from django.urls import path
from django.views.generic import RedirectView

from apps.teams.views import account, audit, doors, settings

urlpatterns = [
    path("settings/", settings.team_settings, name="team_settings"),
    path("settings/rename/", settings.team_rename, name="team_rename"),
    path("settings/members/<uuid:pk>/role/", settings.member_role, name="member_role"),
    path("settings/members/<uuid:pk>/remove/", settings.member_remove, name="member_remove"),
    path("settings/invitations/", settings.invitation_new, name="invitation_new"),
    path(
        "settings/invitations/<uuid:pk>/revoke/",
        settings.invitation_revoke,
        name="invitation_revoke",
    ),
    path("settings/tokens/", settings.token_new, name="token_new"),
    path("settings/tokens/<uuid:pk>/revoke/", settings.token_revoke, name="token_revoke"),
    path("settings/audit/", audit.audit_log, name="audit_log"),
    path("settings/audit.csv", audit.audit_csv, name="audit_csv"),
    path("settings/account/", account.account, name="account"),
    path("settings/account/guide/", account.guide, name="guide"),
    path("settings/account/sessions/", account.sessions, name="account_sessions"),
    path(
        "settings/account/sessions/<uuid:pk>/end/", account.session_end, name="account_session_end"
    ),
    path("settings/account/data.zip", account.data, name="account_data"),
    path("settings/account/delete/", account.departure, name="account_delete"),
    path("teams/new/", settings.team_new, name="team_new"),
    path("teams/switch/", settings.switch_team, name="switch_team"),
    path("invitations/<str:token>/", doors.invitation, name="invitation"),
    path("signin/<str:token>/", doors.signin_link, name="signin_link"),
    # allauth's own would answer 500 where the server cannot be reached.
    path("accounts/oidc/<str:provider_id>/login/", doors.vouched, name="openid_connect_login"),
    # An account's address is the one that was invited: allauth's page to change it is not offered.
    path(
        "accounts/email/",
        login_required(RedirectView.as_view(pattern_name="account")),
        name="account_email",
    ),
]
