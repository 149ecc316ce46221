FROM os2-test/base:1
ONBUILD COPY package.json /src/
ONBUILD RUN cat /src/package.json
ONBUILD USER 1000
