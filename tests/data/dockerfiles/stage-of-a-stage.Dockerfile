FROM os2-test/base:1 AS base
ENV FROM_BASE=1
WORKDIR /base
FROM base AS build
RUN echo "$FROM_BASE" > made
FROM base
COPY --from=build /base/made .
