FROM os2-test/base:1
ADD --chown=1000:1000 vendor/release.tar.gz /opt/
ADD --chmod=0640 conf /conf/
