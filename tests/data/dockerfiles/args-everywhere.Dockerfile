# build: --build-arg EXTRA=given --build-arg UNSET=
ARG REGISTRY=os2-test
ARG IMAGE="base"
ARG TAG='1' EXTRA=x
ARG FULL=${REGISTRY}/${IMAGE}:${TAG}
FROM ${FULL}
ARG EXTRA
ARG WITH_DEFAULT=${EXTRA:-none}-y
ARG EMPTY=
ARG UNSET
RUN echo "[$EXTRA] [$WITH_DEFAULT] [$EMPTY] [${UNSET-unset}]" > /args
LABEL args="$WITH_DEFAULT"
