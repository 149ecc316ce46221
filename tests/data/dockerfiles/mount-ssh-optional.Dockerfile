FROM os2-test/base:1
RUN --mount=type=ssh echo "[${SSH_AUTH_SOCK}]" > /socket
