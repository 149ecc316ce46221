FROM os2-test/base:1
ADD vendor/release.tar.gz /opt/
ADD vendor/release.tar.gz /opt/dist/
ADD app /app
ADD ["with space", "/with space/"]
