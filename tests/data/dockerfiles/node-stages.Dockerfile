# build: --build-arg NODE_VERSION=26
ARG NODE_VERSION=24
FROM os2-test/base:1 AS deps
WORKDIR /app
COPY package.json pnpm-versions.yaml ./
RUN mkdir node_modules && cp package.json node_modules/.package.json

FROM os2-test/base:1 AS build
ARG NODE_VERSION
WORKDIR /app
COPY --from=deps /app/node_modules ./node_modules
COPY app ./app
RUN mkdir dist && echo "built for ${NODE_VERSION}" > dist/version

FROM scratch AS runtime
COPY --from=build /app/dist /dist
COPY --from=deps /app/node_modules/.package.json /package.json
USER 1000:1000
ENTRYPOINT ["/dist/version"]
