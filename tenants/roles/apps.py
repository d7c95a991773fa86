from django.apps import AppConfig


class RolesConfig(AppConfig):
    name = "tenants.roles"
    label = "roles"
