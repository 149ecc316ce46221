# build: --secret id=token,src=SECRET
FROM os2-test/base:1
RUN --mount=type=secret,id=token,env=TOKEN printf %s "$TOKEN" | sha256sum > /sum
