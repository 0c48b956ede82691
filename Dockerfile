# The command line with the local model's runtime. Weights are not in the image: mount a cache or run `model pull`.
FROM python:3.12-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src ./src
RUN pip install --no-cache-dir build==1.6.1 && python -m build --wheel --outdir /wheels .

FROM python:3.12-slim
RUN useradd --create-home --uid 10001 shipworthy
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir "$(ls /wheels/*.whl)[local]" && rm -rf /wheels
USER 10001
WORKDIR /workspace
ENV SHIPWORTHY_CACHE_DIR=/home/shipworthy/cache SHIPWORTHY_KEYS_DIR=/home/shipworthy/keys
ENTRYPOINT ["shipworthy"]
CMD ["--help"]
