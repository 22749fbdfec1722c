# Node 24 is the current long-term release line; Node 20, which the tests also run on, is past its end of life.
# test/integration/image.test.ts walks these steps without Docker.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src src

FROM dependencies AS build
RUN npm run build && npm prune --omit=dev

FROM dependencies AS build-demo
COPY demo demo
RUN npm run build:all

# `--target sample-upstream`: the API's stand-in, for deploy/compose.sample.yaml. It needs nothing but Node.
FROM node:24-bookworm-slim AS sample-upstream
WORKDIR /app
COPY package.json ./
COPY --from=build-demo /app/.build/demo demo
USER 1000:1000
EXPOSE 8004
CMD ["node", "demo/upstream-main.js", "--host", "0.0.0.0"]

# The last stage, and so what is built when no target is named.
FROM node:24-bookworm-slim AS layby
# Process 1 has no default action for a signal: without an init, SIGTERM before Node listens for it would be lost.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends tini \
  && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production \
    LAYBY_SERVER_HOST=0.0.0.0 \
    LAYBY_OPS_HOST=0.0.0.0
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY assets assets
COPY bin bin
COPY config config
# `docker exec … layby tenants`
RUN ln -s /app/bin/layby.js /usr/local/bin/layby
# Nothing is written at run time: run it with a read-only file system. By number, since Kubernetes' `runAsNonRoot`
# can't tell who a name is.
USER 1000:1000
EXPOSE 8003 9003
HEALTHCHECK --interval=10s --timeout=2s --start-period=5s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:'+(process.env.LAYBY_OPS_PORT||9003)+'/health/live').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"]
# Of the build: docker build --build-arg REVISION="$(git rev-parse HEAD)" --build-arg CREATED="$(date -u +%FT%TZ)"
# Last, so that another revision alone builds nothing anew. No licence has been chosen, so there is no label for one.
ARG VERSION=0.2.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="Layby" \
      org.opencontainers.image.description="A caching reverse proxy for a tenant-scoped, authorised REST API" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
ENTRYPOINT ["tini", "--"]
# Not through npm: signals must reach the process. The flag: docs/decisions/2026-11-24-young-generation.md.
CMD ["node", "--max-semi-space-size=32", "bin/layby.js"]
