ARG TAG
FROM os2-test/base:${TAG} AS tagged
FROM os2-test/base:1
RUN true
