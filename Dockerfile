# Two images: docker build --target controller -t jouleops/controller:0.1.0 . and the same with agent.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No package needs its install script at run time: the binaries of ONNX Runtime come inside the package, for every system; one stays.
RUN npm ci --omit=dev --ignore-scripts \
    && cd node_modules/onnxruntime-node/bin/napi-v* \
    && find . -mindepth 2 -maxdepth 2 -type d ! -path "./linux/$(node -p process.arch)" -exec rm -rf {} +

FROM node:24-bookworm-slim AS agent
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY kube kube
COPY crds crds
COPY energy energy
COPY agent agent
COPY cli cli
# The manifests run it as root without any capability, because energy counters are readable by root alone.
ENTRYPOINT ["node", "cli/jouleops.ts"]
CMD ["agent", "--help"]

FROM node:24-bookworm-slim AS controller
ENV NODE_ENV=production
# git and ssh are what fleet repositories are fetched with.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git openssh-client \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY kube kube
COPY crds crds
COPY energy energy
COPY controller controller
COPY cli cli
COPY data data
COPY model_store model_store
USER 1000:1000
ENTRYPOINT ["node", "cli/jouleops.ts"]
CMD ["controller", "--help"]
