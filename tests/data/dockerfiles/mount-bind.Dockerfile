FROM os2-test/base:1 AS other
RUN echo other > /other
FROM os2-test/base:1
WORKDIR /src
RUN --mount=type=bind,target=. ls -R app deep > /listed
RUN --mount=type=bind,from=other,source=/other,target=/mnt/other cp /mnt/other /got
RUN --mount=target=/context,rw touch /context/written && cp /context/package.json /
