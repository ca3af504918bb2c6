"""API addresses of this room."""

from rest_framework.routers import SimpleRouter

from apps.teams import api

router = SimpleRouter()
router.register("teams", api.TeamViewSet, basename="team")
router.register("members", api.MemberViewSet, basename="member")
router.register("invitations", api.InvitationViewSet, basename="invitation")
router.register("tokens", api.TokenViewSet, basename="token")
router.register("audit", api.AuditViewSet, basename="audit")
urlpatterns = router.urls
