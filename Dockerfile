# The command line with the local model's runtime. Weights are not in the image: mount a cache or run `model pull`.
FROM python:3.12-slim AS build
WORKDIR /source
COPY requirements/build.txt ./requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src ./src
RUN python -m build --no-isolation --wheel --outdir /wheels .

FROM python:3.12-slim
RUN useradd --create-home --uid 10001 shipworthy
COPY requirements/local.txt /wheels/
RUN pip install --no-cache-dir --require-hashes -r /wheels/local.txt
COPY --from=build /wheels/*.whl /wheels/
RUN pip install --no-cache-dir --no-index --no-deps /wheels/*.whl && rm -rf /wheels
USER 10001
WORKDIR /workspace
ENV SHIPWORTHY_CACHE_DIR=/home/shipworthy/cache SHIPWORTHY_KEYS_DIR=/home/shipworthy/keys
ENTRYPOINT ["shipworthy"]
CMD ["--help"]
