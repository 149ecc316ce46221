FROM os2-test/base:1
RUN groupadd --gid 2000 team && useradd --uid 2000 --gid team --create-home dev
USER dev
WORKDIR /home/dev/work
RUN id -un > who && touch ~/touched
COPY app app
COPY --chown=dev:team conf conf
USER 0:0
USER ${NONE:-dev}:team
