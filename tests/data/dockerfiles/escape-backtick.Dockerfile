# escape=`

FROM os2-test/base:1
RUN echo one `
    two > /words
ENV WINDOWS=C:\Users\dev
COPY app `
     /app/
