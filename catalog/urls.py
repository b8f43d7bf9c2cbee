"""The URL table. A test walks it for every role and for nobody."""

from django.contrib import admin
from django.urls import path

from .views import accounts, home

urlpatterns = [
    path("", home.home, name="home"),
    path("accounts/sign-in/", accounts.sign_in, name="sign-in"),
    path("accounts/sign-out/", accounts.sign_out, name="sign-out"),
    path("accounts/password/", accounts.password, name="password"),
    path("admin/", admin.site.urls),
]
