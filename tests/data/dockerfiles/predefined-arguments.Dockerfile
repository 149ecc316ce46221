# build: --build-arg HTTP_PROXY=http://127.0.0.1:3128 --build-arg SOURCE_DATE_EPOCH=86400
FROM os2-test/base:1
RUN echo "[$HTTP_PROXY] [$no_proxy]" > /proxies
ARG SOURCE_DATE_EPOCH
RUN echo "[$SOURCE_DATE_EPOCH]" > /epoch
