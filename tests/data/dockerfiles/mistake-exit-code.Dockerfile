FROM os2-test/base:1
RUN echo before && exit 7
