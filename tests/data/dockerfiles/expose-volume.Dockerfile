FROM os2-test/base:1
ARG PORT=5432
EXPOSE 80 443/tcp 53/udp ${PORT} 9000-9002
VOLUME /var/lib/data
VOLUME ["/cache", "/with space"]
RUN mkdir -p /var/lib/data && echo lost > /var/lib/data/file
