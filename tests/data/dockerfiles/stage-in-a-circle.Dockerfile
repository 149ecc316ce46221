FROM os2-test/base:1 AS first
COPY --from=second /etc/hostname /copied
FROM os2-test/base:1 AS second
COPY --from=first /copied /again
