FROM os2-test/base:1
WORKDIR /w
COPY ["with space/a file.ini", "into here/"]
COPY app/*.js js/
COPY p?ckage.json pnpm-*.yaml ./
COPY app/templates/ /t1/
COPY app/templates /t2/templates
COPY deep/a/b/c/../../one.txt ./
COPY vendor/current.h docs/ links/
COPY / /all/
