FROM os2-test/base:1
ENV BASE=/opt/base
WORKDIR $BASE
WORKDIR relative/path
WORKDIR ../sibling
RUN pwd > /where
WORKDIR "/with space"
WORKDIR /not/../cleaned
