FROM scratch
COPY --from=os2-test/base:1 /etc/os-release /etc/
COPY --from=os2-test/base:1 /bin/true /true
