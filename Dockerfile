# One image for all of booksync's processes; docker-compose.yml says which command each of them runs.
ARG PYTHON=3.13-slim

FROM python:${PYTHON} AS packages

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

# Without pip in it: nothing is installed in a running container. Wheels only: there is no compiler here.
RUN python -m venv --without-pip /opt/venv
COPY requirements.txt requirements-build.txt /build/
RUN pip --python /opt/venv/bin/python install --require-hashes --only-binary :all: --requirement /build/requirements.txt \
    && pip install --require-hashes --only-binary :all: --requirement /build/requirements-build.txt

# booksync itself: its wheel, in which the migrations are too.
WORKDIR /build/source
COPY pyproject.toml README.md LICENSE ./
COPY alembic alembic
COPY domain domain
COPY db db
COPY workers workers
RUN python -m hatchling build --target wheel --directory /build/dist \
    && pip --python /opt/venv/bin/python install --no-index --no-deps /build/dist/*.whl

FROM python:${PYTHON}

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1

RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin booksync

WORKDIR /app
COPY --from=packages /opt/venv /opt/venv

USER 10001

# No HEALTHCHECK: what is healthy differs from process to process.
CMD ["booksync", "--help"]
