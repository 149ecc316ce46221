FROM os2-test/base:1
COPY vendor /vendor
COPY docs/app /app-of-docs
COPY docs /docs
