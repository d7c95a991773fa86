from django.urls import path

from tenants.team import views

app_name = "team"
urlpatterns = [
    path("", views.team, name="team"),
    path("invite/", views.invite, name="invite"),
    path("hand-over/", views.transfer_coordinator, name="transfer-coordinator"),
    path("people/<uuid:uuid>/", views.change, name="change"),
    path("people/<uuid:uuid>/end/", views.end, name="end"),
    path("invitations/<uuid:uuid>/resend/", views.resend, name="resend"),
    path("invitations/<uuid:uuid>/revoke/", views.revoke, name="revoke"),
]
