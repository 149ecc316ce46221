FROM os2-test/base:1
RUN --network=none ls /sys/class/net > /interfaces
