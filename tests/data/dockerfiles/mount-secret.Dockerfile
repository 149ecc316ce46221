# build: --secret id=token,src=SECRET
FROM os2-test/base:1
RUN --mount=type=secret,id=token sha256sum < /run/secrets/token > /sum
RUN --mount=type=secret,id=token,target=/etc/token,mode=0440,uid=1000,gid=1000 stat -c '%a %u %g' /etc/token > /stat
RUN --mount=type=secret,id=none test ! -e /run/secrets/none
