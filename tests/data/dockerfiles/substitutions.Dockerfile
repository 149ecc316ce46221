FROM os2-test/base:1
ENV FILE=archive.tar.gz DIRS=/a/b/c
ENV STEM=${FILE%.gz} BARE=${FILE%%.*} TAIL=${DIRS#/*/} LAST=${DIRS##*/}
ENV SWAP=${FILE/tar/zip} ALL=${DIRS//\//-}
RUN env | sort | grep -E '^(STEM|BARE|TAIL|LAST|SWAP|ALL)=' > /env
