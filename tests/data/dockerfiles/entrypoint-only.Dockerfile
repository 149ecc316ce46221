FROM os2-test/base:1
COPY scripts/entrypoint.sh /usr/local/bin/
ENTRYPOINT ["entrypoint.sh"]
CMD ["sh"]
STOPSIGNAL SIGQUIT
