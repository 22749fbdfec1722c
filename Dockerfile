# Node 24 is the current long-term release line; Node 20, which the tests also run on, is past its end of life.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build && npm prune --omit=dev

FROM node:24-bookworm-slim
ENV NODE_ENV=production \
    LAYBY_SERVER_HOST=0.0.0.0 \
    LAYBY_OPS_HOST=0.0.0.0
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY assets assets
COPY config config
# Nothing is written at run time: run it with a read-only file system.
USER node
EXPOSE 8003 9003
HEALTHCHECK --interval=10s --timeout=2s --start-period=5s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:'+(process.env.LAYBY_OPS_PORT||9003)+'/health/live').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"]
# Not through npm: signals must reach the process. The flag: docs/decisions/2026-11-24-young-generation.md.
CMD ["node", "--max-semi-space-size=32", "dist/src/main.js"]
