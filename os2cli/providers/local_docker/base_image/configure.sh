#!/bin/sh
# The second stage: configures the packages beside this script, inside a container without network.
set -eu
cd "${0%/*}"
export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true DEBCONF_NOWARNINGS=yes
export LC_ALL=C.UTF-8 HOME=/root

# Nothing is worth a sync here: an interrupted container is thrown away.
install() {
    dpkg --force-depends --force-unsafe-io --install "$@"
}

mkdir -p /var/lib/dpkg/info /var/lib/dpkg/updates
touch /var/lib/dpkg/status
# Owners in the other packages are names: these two bring /etc/passwd.
install base-passwd_*.deb base-files_*.deb
rm base-passwd_*.deb base-files_*.deb
install ./*.deb

audit=$(dpkg --audit)
if [ -n "$audit" ]; then
    echo "$audit" >&2
    exit 1
fi

cd /
rm -rf /var/tmp/os2 /tmp/* /var/cache/debconf/*-old /var/cache/ldconfig/aux-cache \
    /var/lib/apt/lists/* /var/lib/dpkg/*-old /etc/*- /etc/machine-id /.dockerenv
# Podman mounts /run/.containerenv.
find /run /var/log /var/cache/apt -xdev -type f ! -name .containerenv -delete
