"""The URL table. A test walks it for every role and for nobody."""

from django.urls import path

from .admin import site
from .views import accounts, home, operations

urlpatterns = [
    path("", home.home, name="home"),
    path("accounts/sign-in/", accounts.sign_in, name="sign-in"),
    path("accounts/sign-out/", accounts.sign_out, name="sign-out"),
    path("accounts/password/", accounts.password, name="password"),
    path("admin/", site.urls),
    path("healthz", operations.healthz, name="healthz"),
    path("readyz", operations.readyz, name="readyz"),
    path("metrics", operations.metrics, name="metrics"),
]
