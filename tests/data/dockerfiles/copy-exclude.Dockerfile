FROM scratch
COPY --exclude=*.txt --exclude=c deep /deep
ADD --exclude=templates app /app
