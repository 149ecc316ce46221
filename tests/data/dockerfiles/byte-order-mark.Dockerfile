FROM os2-test/base:1
COPY app /app
