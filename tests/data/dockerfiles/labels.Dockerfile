FROM os2-test/base:1
LABEL org.opencontainers.image.title="A shop" org.opencontainers.image.version=1.2
LABEL "with space"='single $HOME' multi="first \
second"
LABEL old style value
MAINTAINER Somebody <somebody@example.com>
