# The gateway in a small image: catsdk with the extras that reach hosted models, run by no superuser.
#   docker build -t catsdk-gateway .
#   docker run -p 8000:8000 -e ALICE_KEY -e OPENAI_API_KEY \
#     -v $PWD/serve.yaml:/etc/catsdk/serve.yaml:ro catsdk-gateway
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY catsdk catsdk
COPY providers providers
COPY trainers trainers
COPY constraints constraints
RUN python -m venv /opt/catsdk \
    && /opt/catsdk/bin/pip install --no-cache-dir -c constraints/main.txt '.[anthropic,serve]'

FROM python:3.13-slim
COPY --from=build /opt/catsdk /opt/catsdk
RUN useradd --system --uid 10001 --no-create-home catsdk
USER catsdk
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s CMD ["/opt/catsdk/bin/python", "-c", \
    "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/opt/catsdk/bin/catsdk", "serve"]
CMD ["--config", "/etc/catsdk/serve.yaml", "--host", "0.0.0.0", "--port", "8000"]
