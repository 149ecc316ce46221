FROM os2-test/base:1
RUN --security=insecure cat /proc/self/status
