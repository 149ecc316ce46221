FROM os2-test/base:1
COPY --chown=1000:1000 app /owned/app
COPY --chown=www-data:www-data conf/nginx.conf /etc/nginx/nginx.conf
COPY --chmod=0600 conf/nginx.conf /etc/secret.conf
COPY --chmod=755 --chown=33 scripts /opt/scripts
