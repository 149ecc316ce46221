FROM os2-test/base:1
RUN echo zero > /zero
FROM os2-test/base:1
COPY --from=0 /zero /zero
RUN echo one > /one
FROM os2-test/base:1
COPY --from=1 /zero /one /both/
