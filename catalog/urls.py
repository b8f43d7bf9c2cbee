"""The URL table. A test walks it for every role and for nobody."""

from django.contrib import admin
from django.urls import path

urlpatterns = [
    path("admin/", admin.site.urls),
]
