# Written on Windows
ARG TAG=1
FROM os2-test/base:${TAG}
RUN echo a \
  b > /file
COPY app /app
CMD ["sh"]
