FROM scratch
COPY --parents deep/a/*.txt deep/a/b/ /kept/
COPY --parents ./deep/./a/b/c /pivot/
