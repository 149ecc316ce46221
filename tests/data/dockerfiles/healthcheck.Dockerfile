FROM os2-test/base:1
COPY scripts/health.sh /health.sh
HEALTHCHECK --interval=30s --timeout=3s --start-period=1m --retries=5 CMD ["/health.sh"]
