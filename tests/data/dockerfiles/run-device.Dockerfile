FROM os2-test/base:1
RUN --device=vendor.example/device=one true
