ARG SOURCE=os2-test/base:1
FROM os2-test/base:1
COPY --from=${SOURCE} /etc/hostname /copied
