# syntax=docker/dockerfile:1
# One image for web, worker, trainer and beat; compose.yaml names the command of each.
# docs/operations.md says how to build for a GPU. No test of this repository builds this file.

ARG PYTHON=python:3.12-slim-bookworm

FROM ${PYTHON} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
# --build-arg GPU=1 adds the CUDA libraries of the pinned TensorFlow (several GB).
ARG GPU=
RUN if [ -n "$GPU" ]; then \
        pip install "tensorflow[and-cuda]==$(sed -n 's/^tensorflow==//p' requirements.txt)"; \
    fi
COPY . .
RUN DATA_DIR=/tmp/build SECRET_KEY=for-collecting-only python manage.py collectstatic --noinput \
    && python -m compileall -q catalog classifier worker

FROM ${PYTHON}
RUN groupadd --gid 10001 shelfwise \
    && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin shelfwise \
    && install -d -o shelfwise -g shelfwise -m 750 /data
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
USER shelfwise
# KERAS_HOME: downloaded ImageNet weights stay on the volume.
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DATA_DIR=/data \
    KERAS_HOME=/data/keras
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
CMD ["gunicorn", "catalog.wsgi", "--bind", "0.0.0.0:8000", "--workers", "2", "--threads", "4", "--timeout", "60", "--graceful-timeout", "10", "--worker-tmp-dir", "/dev/shm", "--no-control-socket"]
