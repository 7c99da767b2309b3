# duo-eval on the CPU, for `duo-eval submit --to kubernetes` and for machines without Node. docs/suites.md says how it is used, and how CUDA
# is added. Nothing runs as root, and the image may be mounted read-only: it writes to /work, /tmp and what it is told.
#
#     docker build --tag duo-eval:0.1.0 .
#
# A registry of your own: --secret id=npmrc,src=$HOME/.npmrc, which leaves nothing in the image.
ARG BASE=docker.io/library/node:22.20.0-bookworm-slim

FROM ${BASE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci
COPY . .
# Libraries of the runtime for this platform alone: those of all take 290 MB. Without what only builds and tests need.
RUN npm run build && npm prune --omit=dev && rm -rf src scripts tsconfig.json .npmrc .tmp && \
    node -e 'const { readdirSync, rmSync } = require("node:fs"); const bin = "node_modules/onnxruntime-node/bin/"; \
      for (const api of readdirSync(bin)) for (const os of readdirSync(bin + api)) for (const cpu of readdirSync(`${bin}${api}/${os}`)) \
        if (os !== process.platform || cpu !== process.arch) rmSync(`${bin}${api}/${os}/${cpu}`, { recursive: true });'

FROM ${BASE}
LABEL org.opencontainers.image.title="duo-eval" org.opencontainers.image.licenses="MIT"
COPY --from=build /app /app
RUN ln -s /app/bin/run.js /usr/local/bin/duo-eval
ENV NODE_ENV=production DUO_EVAL_CACHE=/work/cache HOME=/tmp
WORKDIR /work
# A number, so that Kubernetes sees that it is not root.
USER 1000:1000
ENTRYPOINT ["duo-eval"]
