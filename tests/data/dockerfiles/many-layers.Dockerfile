FROM os2-test/base:1
RUN mkdir /layers && echo 1 > /layers/1
RUN echo 2 > /layers/2 && chmod 4755 /layers/2
RUN ln -s 1 /layers/link && ln /layers/1 /layers/hard
RUN mkfifo /layers/pipe && rm /layers/2
RUN mkdir -m 1777 /layers/sticky && chown 12:34 /layers/sticky
