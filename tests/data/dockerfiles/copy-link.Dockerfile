FROM os2-test/base:1
COPY --link app /app
COPY --link --chown=1000:1000 --chmod=0644 conf/nginx.conf /etc/nginx/
ADD --link vendor/release.tar.gz /opt/
