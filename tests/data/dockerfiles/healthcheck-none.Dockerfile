FROM os2-test/base:1
HEALTHCHECK CMD /health.sh || exit 1
HEALTHCHECK NONE
