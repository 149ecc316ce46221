FROM os2-test/base:1
COPY docs/draft.txt /
