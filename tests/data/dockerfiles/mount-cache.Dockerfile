FROM os2-test/base:1
RUN --mount=type=cache,target=/var/cache/app,sharing=locked \
    --mount=type=cache,id=other,target=/root/.cache,uid=1000,mode=0700 \
    echo cached > /var/cache/app/file && cp /var/cache/app/file /copied
