from django.urls import path

from resources import views

app_name = "resources"
urlpatterns = [
    path("", views.browse, name="browse"),
    path("<slug:key>/", views.item_detail, name="item"),
]
