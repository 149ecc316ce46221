FROM os2-test/base:1
COPY none /none
