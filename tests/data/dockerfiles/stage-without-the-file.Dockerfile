FROM os2-test/base:1 AS first
FROM os2-test/base:1
COPY --from=first /missing/file /copied
