FROM scratch
ADD --unpack=false vendor/release.tar.gz /opt/
ADD --unpack=true vendor/release.tar.gz /unpacked/
