FROM scratch
COPY --from=nowhere-at-all:1 / /
