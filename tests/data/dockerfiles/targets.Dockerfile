# build: --target build
FROM os2-test/base:1 AS build
RUN echo built > /built
FROM os2-test/base:1 AS after
RUN exit 1
