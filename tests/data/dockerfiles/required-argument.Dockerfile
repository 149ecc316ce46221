# build: --build-arg VERSION=
FROM os2-test/base:1
ARG VERSION
RUN echo "${VERSION:?set it}"
ENV V=${VERSION:?set it}
