FROM os2-test/base:1
RUN --mount=type=bind,from=os2-test/base:1,target=/image cp /image/etc/os-release /os-release
