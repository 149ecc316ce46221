FROM os2-test/base:1
ENV OLD the old way  with spaces
ENV A=1 B="two words" C=three\ words D='$A' E="$A-${B}"
ENV PATH=/opt/bin:$PATH
ENV F=${A:+set} G=${NONE:-default} H=${NONE:+never}
RUN env | sort | grep -E '^[A-H]=|^OLD|^PATH' > /env
