FROM os2-test/base:1 AS test
RUN exit 1
FROM os2-test/base:1
RUN echo shipped > /shipped
