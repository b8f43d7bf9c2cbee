"""The URL table. A test walks it for every role and for nobody."""

from django.urls import path

from .admin import site
from .views import accounts, home, image, images, operations, review, runs, upload, versions

urlpatterns = [
    path("", home.home, name="home"),
    path("accounts/sign-in/", accounts.sign_in, name="sign-in"),
    path("accounts/sign-out/", accounts.sign_out, name="sign-out"),
    path("accounts/password/", accounts.password, name="password"),
    path("review/", review.review, name="review"),
    path("review/next/", review.next_cards, name="review-next"),
    path("review/<int:pk>/decide/", review.decide, name="image-decide"),
    path("review/<int:pk>/skip/", review.skip, name="review-skip"),
    path("review/undo/", review.undo, name="review-undo"),
    path("review/leases/", review.leases, name="review-leases"),
    path("review/categories/", review.categories, name="review-categories"),
    path("models/", versions.models, name="models"),
    path("models/<int:pk>/", versions.model, name="model"),
    path("models/<int:pk>/confusion/", versions.confusion, name="model-confusion"),
    path("models/<int:pk>/promote/", versions.promote, name="promote"),
    path("models/rollback/", versions.rollback, name="rollback"),
    path("models/resume/", versions.resume, name="resume-promotion"),
    path("models/learn/", runs.learn, name="learn"),
    path("models/runs/<int:pk>/", runs.run, name="run"),
    path("models/runs/<int:pk>/cancel/", runs.cancel, name="cancel-run"),
    path("models/runs/<int:pk>/progress/", runs.progress, name="run-progress"),
    path("upload/", upload.upload, name="upload"),
    path("upload/file/", upload.upload_file, name="upload-file"),
    path("images/", images.images, name="images"),
    path("images/status/", images.status, name="image-status"),
    path("images/export.csv", images.images_csv, name="images-csv"),
    path("images/<int:pk>/", image.image, name="image"),
    path("images/<int:pk>/retry/", image.retry, name="image-retry"),
    path("images/<int:pk>/withdraw/", image.withdraw, name="image-withdraw"),
    path("images/<int:pk>/file/<str:copy>/", images.image_file, name="image-file"),
    path("products/<int:pk>/", image.product, name="product"),
    path("admin/", site.urls),
    path("healthz", operations.healthz, name="healthz"),
    path("readyz", operations.readyz, name="readyz"),
    path("metrics", operations.metrics, name="metrics"),
]
