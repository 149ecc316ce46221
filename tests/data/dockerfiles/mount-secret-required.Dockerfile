FROM os2-test/base:1
RUN --mount=type=secret,id=none,required=true cat /run/secrets/none
