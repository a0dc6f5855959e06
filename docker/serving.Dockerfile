# The image that serves a release, on Kubernetes or elsewhere: flightline/serving and its own lock, without TFX.
#
#   docker build -f docker/serving.Dockerfile -t REGISTRY/flightline-serving:TAG .
#   docker run -p 8080:8080 -v "$PWD/workspace/releases/flights/VERSION:/mnt/models:ro" REGISTRY/flightline-serving:TAG \
#     --release /mnt/models --name flights --version VERSION --host 0.0.0.0
ARG PYTHON_VERSION=3.10

FROM python:${PYTHON_VERSION}-slim-trixie AS build
RUN python -m venv /opt/serving
ENV PATH=/opt/serving/bin:$PATH
COPY flightline/serving/requirements.lock requirements.lock
RUN pip install --no-cache-dir --require-hashes --no-deps -r requirements.lock

FROM python:${PYTHON_VERSION}-slim-trixie
COPY --from=build /opt/serving /opt/serving
COPY flightline/serving /opt/flightline/flightline/serving
ENV PATH=/opt/serving/bin:$PATH \
    PYTHONPATH=/opt/flightline \
    PYTHONUNBUFFERED=1
RUN useradd --create-home --uid 1000 flightline
USER flightline
EXPOSE 8080 8081 8082
ENTRYPOINT ["python", "-m", "flightline.serving"]
