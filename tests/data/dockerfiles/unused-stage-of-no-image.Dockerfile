FROM os2-test/nowhere:1 AS test
RUN true
FROM os2-test/base:1
RUN echo shipped > /shipped
