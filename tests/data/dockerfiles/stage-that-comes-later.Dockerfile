FROM os2-test/base:1 AS first
COPY --from=second /etc/os-release /copied
FROM os2-test/base:1 AS second
FROM os2-test/base:1
COPY --from=first /copied /again
