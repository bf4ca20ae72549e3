# The steps on Vertex AI, the trainers' custom jobs and the workers of Dataflow run in this image.
#
#   docker build --target runtime .   CPUs; the last stage, so it is built without --target as well
#   docker build --target gpu .       the same with CUDA's libraries
#   docker build --target tpu .       with TensorFlow for TPU v2 and v3
#   docker build --target tpu-v5e .   with TensorFlow for TPU v5e
#
# No container engine was at hand: the install commands were run in a virtual environment
# (tests/test_image.py), the file was checked by hadolint, and no image was ever built. For builds
# that are the same for ever give digests: --build-arg PYTHON_IMAGE=python@sha256:...
ARG PYTHON_IMAGE=python:3.10-slim-bookworm
# The version of apache-beam in requirements-runtime.txt.
ARG BEAM_IMAGE=apache/beam_python3.10_sdk:2.61.0

FROM ${BEAM_IMAGE} AS beam

FROM ${PYTHON_IMAGE} AS build
# Some locked packages have no wheel and are compiled.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends build-essential \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
# The same steps as for a local set-up. Sources change more often than packages: two layers.
COPY Makefile .python-version requirements-runtime.txt ./
RUN make setup VENV=/opt/dlrm LOCK=requirements-runtime.txt
COPY . .
RUN make install VENV=/opt/dlrm LOCK=requirements-runtime.txt

FROM build AS build-gpu
# TensorFlow names the exact versions of CUDA's wheels.
RUN .uv/bin/uv pip install --quiet --python /opt/dlrm --constraint requirements-runtime.txt \
      "tensorflow[and-cuda]==2.16.2"

FROM build AS build-tpu
# Both packages are the folder `tensorflow`, so one makes room for the other.
RUN .uv/bin/uv pip uninstall --quiet --python /opt/dlrm tensorflow \
 && .uv/bin/uv pip install --quiet --python /opt/dlrm --no-deps tensorflow-tpu==2.16.2

FROM ${PYTHON_IMAGE} AS base
COPY --from=beam /opt/apache/beam /opt/apache/beam
RUN useradd --create-home --uid 1000 dlrm
ENV PATH=/opt/dlrm/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TF_CPP_MIN_LOG_LEVEL=1 \
    TF_USE_LEGACY_KERAS=1 \
    # Else Beam's workers make an environment of their own, without our packages.
    RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1
WORKDIR /home/dlrm
# numba keeps what it compiled in ~/.cache/numba, as the packages belong to root: the Evaluator
# compiles for some seconds once in each container. Without a writable home it is kept in memory.
# A step brings its command, TFX's container executor, and a custom job brings its own. Only
# Dataflow starts workers without one, and they must begin with Beam's.
ENTRYPOINT ["/opt/apache/beam/boot"]

FROM base AS tpu
COPY --from=build-tpu /opt/dlrm /opt/dlrm
# The version for TensorFlow 2.16.2 (https://cloud.google.com/tpu/docs/runtimes), at the place where
# Vertex AI wants it (https://cloud.google.com/vertex-ai/docs/training/training-with-tpu-vm).
ADD --chmod=755 https://storage.googleapis.com/cloud-tpu-tpuvm-artifacts/libtpu/1.10.1/libtpu.so \
    /lib/libtpu.so
# The devices of a TPU belong to root. Only trainers run in this variant.
# hadolint ignore=DL3002
USER 0

FROM tpu AS tpu-v5e
# A TPU v5e is reached through PJRT only. TPU v2 and v3 have embedding hardware, which PJRT lacks.
ENV NEXT_PLUGGABLE_DEVICE_USE_C_API=true \
    TF_PLUGGABLE_DEVICE_LIBRARY_PATH=/lib/libtpu.so

FROM base AS gpu
COPY --from=build-gpu /opt/dlrm /opt/dlrm
# What tells a host to hand its GPUs and their driver to the container.
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 1000

FROM base AS runtime
COPY --from=build /opt/dlrm /opt/dlrm
USER 1000
