FROM os2-test/base:1
RUN <<EOF
set -e
mkdir /made
echo "$HOME" > /made/home
EOF
RUN <<-'QUOTED' cat > /quoted
	tabs go, $HOME stays
	QUOTED
COPY <<one.txt <<"two.txt" /files/
first, $HOME of the build
one.txt
second, $HOME as it is
two.txt
COPY --chmod=0700 --chown=1000 <<script.sh /usr/local/bin/script.sh
#!/bin/sh
echo ok
script.sh
RUN <<EOF /bin/sh -e
FROM=not-an-instruction
echo "$FROM" > /from
EOF
