# check=skip=all;error=false
# escape=\
FROM os2-test/base:1
RUN true
